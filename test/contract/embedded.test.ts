import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  type EmbeddedStorage,
  openConnectedStorage,
  openEmbeddedStorage,
} from '../../shared/storage/embedded/open.ts'
import { describeObjectStore } from './objectStore.contract.ts'
import type { Opened } from './suite.ts'
import { describeTable } from './table.contract.ts'

const open = async <Port>(portOf: (storage: EmbeddedStorage) => Port): Promise<Opened<Port>> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-'))
  const storage = await openEmbeddedStorage(path.join(folder, 'data'))
  return {
    port: portOf(storage),
    close: async () => {
      await storage.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** As another thread of the process opens it. */
const openConnected = async <Port>(
  portOf: (storage: Pick<EmbeddedStorage, 'objects' | 'table'>) => Port,
): Promise<Opened<Port>> => {
  const { port: storage, close } = await open((opened) => opened)
  const connected = await openConnectedStorage(storage.connect())
  return {
    port: portOf(connected),
    close: async () => {
      await connected.close()
      await close()
    },
  }
}

describeTable('the embedded table', { create: () => open(({ table }) => table) })
describeObjectStore('the embedded object store', { create: () => open(({ objects }) => objects) })
describeTable('the embedded table of a second thread', { create: () => openConnected(({ table }) => table) })
describeObjectStore('the embedded object store of a second thread', {
  create: () => openConnected(({ objects }) => objects),
})
