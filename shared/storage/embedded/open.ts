// Opens the storage of one machine: a folder that holds
//
//   FORMAT    one line that says whose folder this is and in which format
//   lock      a SQLite file, locked by the running process; the kernel releases the lock with the process
//   table     the SQLite file of the table, and its -wal and -shm
//   objects/  the objects
//
// Another thread of the process opens the same storage with what `connect` says.
// A folder that is made is its owner's alone. Refuses a folder with other things in it, one of another format, and a
// second process, before anything is written.
import { mkdir, readdir, readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { MessagePort } from 'node:worker_threads'
import type { ObjectStore } from '../../ports/objectStore.ts'
import type { Table } from '../../ports/table.ts'
import { codeOf, syncFolder, writeDurably } from './files.ts'
import { createFileObjectStore } from './objectStore.ts'
import { openConnectedTable, openEmbeddedTable } from './table.ts'

export interface OpenStorage {
  readonly objects: ObjectStore
  readonly table: Table
  /** How a thread that writes ended: before `close`, when from then on not everything can be written. */
  readonly ended: Promise<Error>
  /** After what was accepted. */
  close(): Promise<void>
}

export interface EmbeddedStorage extends OpenStorage {
  /** For one other thread, which is to end before this storage is closed. */
  connect(): Connection
}

/** What one thread posts another; the port is transferred. */
export interface Connection {
  readonly folder: string
  readonly tablePort: MessagePort
}

const format = 'Millrace storage, format 1\n'
/** What a start that was cut short, or a fresh file system, may have left. */
const harmlessEntries = new Set(['lock', 'FORMAT.new', 'lost+found'])

export const openEmbeddedStorage = async (dataDirectory: string): Promise<EmbeddedStorage> => {
  const folder = path.resolve(dataDirectory)
  const created = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (created !== undefined) await syncCreated(created, folder)
  const isNew = await checkFormat(folder)
  const lock = takeLock(folder)
  try {
    if (isNew) await writeFormat(folder)
    const objects = await createFileObjectStore(objectsOf(folder), 'incoming')
    const table = await openEmbeddedTable(tableOf(folder))
    await syncFolder(folder).catch(async (error) => {
      await table.close()
      throw error
    })
    return {
      objects,
      table,
      ended: Promise.race([objects.ended, table.ended]),
      connect: () => ({ folder, tablePort: table.connect() }),
      close: async () => {
        await Promise.all([objects.close(), table.close()])
        releaseLock(lock)
      },
    }
  } catch (error) {
    releaseLock(lock)
    throw error
  }
}

export const openConnectedStorage = async ({ folder, tablePort }: Connection): Promise<OpenStorage> => {
  const objects = await createFileObjectStore(objectsOf(folder), 'incoming-connected')
  const table = openConnectedTable(tableOf(folder), tablePort)
  return {
    objects,
    table,
    ended: objects.ended,
    close: async () => {
      await Promise.all([objects.close(), table.close()])
    },
  }
}

const objectsOf = (folder: string): string => path.join(folder, 'objects')

const tableOf = (folder: string): string => path.join(folder, 'table')

const checkFormat = async (folder: string): Promise<boolean> => {
  const found = await readFile(path.join(folder, 'FORMAT'), 'utf8').catch((error) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (found === format) return false
  if (found !== undefined) {
    throw new Error(`${folder} holds "${found.trim()}" and this Millrace reads "${format.trim()}"`)
  }
  const foreign = (await readdir(folder)).find((entry) => !harmlessEntries.has(entry))
  if (foreign !== undefined) {
    throw new Error(
      `${folder} is not Millrace's: it holds "${foreign}" and no FORMAT; choose an empty folder`,
    )
  }
  return true
}

/** A lock that nothing names is closed by the garbage collector, whoever still uses table and objects. */
const heldLocks = new Set<DatabaseSync>()

const releaseLock = (lock: DatabaseSync): void => {
  heldLocks.delete(lock)
  lock.close()
}

const takeLock = (folder: string): DatabaseSync => {
  const lock = new DatabaseSync(path.join(folder, 'lock'), { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    heldLocks.add(lock)
    return lock
  } catch (error) {
    lock.close()
    if (isLocked(error)) throw new Error(`${folder} is in use by another Millrace process`)
    throw error
  }
}

const sqliteBusy = 5

const isLocked = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy

const writeFormat = async (folder: string): Promise<void> => {
  const unfinished = path.join(folder, 'FORMAT.new')
  await writeDurably(unfinished, [Buffer.from(format)])
  await rename(unfinished, path.join(folder, 'FORMAT'))
  await syncFolder(folder)
}

/** From the first folder that was missing down to the last, each one's entry in its parent. */
const syncCreated = async (first: string, last: string): Promise<void> => {
  for (let folder = last; folder !== path.dirname(first); folder = path.dirname(folder)) {
    await syncFolder(path.dirname(folder))
  }
}
