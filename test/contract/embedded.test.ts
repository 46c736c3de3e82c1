import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type EmbeddedStorage, openEmbeddedStorage } from '../../shared/storage/embedded/open.ts'
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

describeTable('the embedded table', { create: () => open(({ table }) => table) })
describeObjectStore('the embedded object store', { create: () => open(({ objects }) => objects) })
