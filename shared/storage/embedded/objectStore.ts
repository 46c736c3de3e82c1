// The object port as files, durable when a put answers. An object "a/b/c" is the file stored/a/b/c@, so that
// no object is in the way of the folder that another name needs. A put (objectWorker.ts) writes to incoming/, or where
// a second thread puts to a folder of that thread's, then links: of many only one succeeds, and a crash leaves a file
// there, which goes when the store of that folder is opened again. Deleting waits for no disk: an object that comes
// back after a power cut is garbage that nothing names. Empty folders stay.
import type { Dirent } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { StorageError } from '../../base/errors.ts'
import type { ObjectPage, ObjectStore } from '../../ports/objectStore.ts'
import { checkObjectList, checkObjectName, checkObjectRange } from '../objectName.ts'
import { codeOf, makeFolderDurably } from './files.ts'
import { createObjectWriter } from './objectWriter.ts'

const objectMark = '@'

export interface FileObjectStore extends ObjectStore {
  /** How the thread that puts ended; from then on nothing is put. */
  readonly ended: Promise<Error>
  /** After the puts that were accepted. */
  close(): Promise<void>
}

/** `incomingName`: of a folder that no other store uses. */
export const createFileObjectStore = async (
  directory: string,
  incomingName: string,
): Promise<FileObjectStore> => {
  const stored = path.join(directory, 'stored')
  const incoming = path.join(directory, incomingName)
  await rm(incoming, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await makeFolderDurably(stored)
  await makeFolderDurably(incoming)
  const writer = createObjectWriter({ stored, incoming })
  const fileOf = (name: string): string => `${path.join(stored, name)}${objectMark}`

  return {
    putIfAbsent: async (name, parts) => {
      checkObjectName(name)
      return writer.put(fileOf(name), parts)
    },
    getRange: async (name, start, length) => {
      checkObjectName(name)
      checkObjectRange(start, length)
      return failsWith('none', () => readRange(fileOf(name), start, length))
    },
    list: async (prefix, { after = '', limit }) => {
      checkObjectList(prefix, limit)
      return failsWith('none', () => listPage(stored, { prefix, after, limit }))
    },
    delete: async (names) => {
      for (const name of names) checkObjectName(name)
      for (const name of names) await failsWith('unknown', () => absentAs(undefined, unlink(fileOf(name))))
    },
    ended: writer.ended,
    close: () => writer.close(),
  }
}

const readRange = async (file: string, start: number, length: number): Promise<Uint8Array | undefined> => {
  const handle = await absentAs(undefined, open(file, 'r'))
  if (handle === undefined) return undefined
  try {
    const { size } = await handle.stat()
    return await readFully(handle, start, Math.max(0, Math.min(length, size - start)))
  } finally {
    await handle.close()
  }
}

const readFully = async (handle: FileHandle, start: number, length: number): Promise<Uint8Array> => {
  const { buffer } = Buffer.allocUnsafeSlow(length)
  const bytes = new Uint8Array(buffer)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled)
    if (bytesRead === 0) throw new Error(`a file of ${filled} bytes ends ${length - filled} bytes early`)
    filled += bytesRead
  }
  return bytes
}

/** Whoever reads an object meanwhile is not behind a thousand of them. */
const sizesAtOnce = 16

interface Listing {
  readonly prefix: string
  readonly after: string
  readonly limit: number
}

const listPage = async (stored: string, listing: Listing): Promise<ObjectPage> => {
  const start = listing.prefix.slice(0, listing.prefix.lastIndexOf('/') + 1)
  const names: string[] = []
  for await (const name of walk(stored, start, listing)) {
    names.push(name)
    if (names.length === listing.limit) break
  }
  const objects: ObjectPage['objects'][number][] = []
  for (let at = 0; at < names.length; at += sizesAtOnce) {
    const some = names.slice(at, at + sizesAtOnce)
    const sizes = await Promise.all(some.map((name) => sizeOf(`${path.join(stored, name)}${objectMark}`)))
    for (const [index, name] of some.entries()) {
      const size = sizes[index]
      if (size !== undefined) objects.push({ name, size })
    }
  }
  return { objects, next: names.length === listing.limit ? names.at(-1) : undefined }
}

/** Reads only the folders that can hold a name of the page, one of each level at a time. */
async function* walk(stored: string, start: string, listing: Listing): AsyncGenerator<string> {
  const none: Dirent[] = []
  const entries = await absentAs(none, readdir(path.join(stored, start), { withFileTypes: true }))
  const names = entries.flatMap((entry) => listedNames(start, entry))
  for (const name of names.filter((name) => mayHold(name, listing)).toSorted(byBytes)) {
    if (name.endsWith('/')) yield* walk(stored, name, listing)
    else yield name
  }
}

/**
 * A folder ends in '/', and so comes where the names in it come. A file without the mark is nobody's object.
 */
const listedNames = (start: string, entry: Dirent): string[] => {
  if (entry.isDirectory()) return [`${start}${entry.name}/`]
  return entry.name.endsWith(objectMark) ? [`${start}${entry.name.slice(0, -objectMark.length)}`] : []
}

const mayHold = (name: string, { prefix, after }: Listing): boolean => {
  if (!name.endsWith('/')) return name.startsWith(prefix) && name > after
  return (name.startsWith(prefix) || prefix.startsWith(name)) && (name > after || after.startsWith(name))
}

/** Names are ASCII. */
const byBytes = (left: string, right: string): number => (left < right ? -1 : 1)

const sizeOf = async (file: string): Promise<number | undefined> =>
  (await absentAs(undefined, stat(file)))?.size

const absentAs = async <Value, Absent>(
  absent: Absent,
  operation: Promise<Value>,
): Promise<Value | Absent> => {
  try {
    return await operation
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return absent
    throw error
  }
}

const failsWith = async <Value>(
  effect: 'none' | 'unknown',
  operation: () => Promise<Value>,
): Promise<Value> => {
  try {
    return await operation()
  } catch (error) {
    throw storageError(effect, error)
  }
}

const storageError = (effect: 'none' | 'unknown', error: unknown): StorageError =>
  new StorageError(effect, `the object store: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  })
