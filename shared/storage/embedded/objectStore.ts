// The object port as files, durable when a put answers. An object "a/b/c" is the file stored/a/b/c@, so that
// no object is in the way of the folder that another name needs. A put writes to incoming/, then links: of
// many only one succeeds, and a crash leaves a file in incoming/, which the next start removes. Deleting
// waits for no disk: an object that comes back after a power cut is garbage that nothing names. Empty folders
// stay.
import type { Dirent } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, rm, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { StorageError } from '../../base/errors.ts'
import type { ObjectPage, ObjectStore } from '../../ports/objectStore.ts'
import { checkObjectList, checkObjectName, checkObjectRange } from '../objectName.ts'
import { codeOf, makeFolderDurably, syncFile, syncFolder, writeAll } from './files.ts'

const objectMark = '@'

export const createFileObjectStore = async (directory: string): Promise<ObjectStore> => {
  const stored = path.join(directory, 'stored')
  const incoming = path.join(directory, 'incoming')
  await rm(incoming, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await makeFolderDurably(stored)
  await makeFolderDurably(incoming)
  const put = createPut(stored, incoming)
  const fileOf = (name: string): string => `${path.join(stored, name)}${objectMark}`

  return {
    putIfAbsent: async (name, parts) => {
      checkObjectName(name)
      return put(fileOf(name), parts)
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
  }
}

// Linked before it is synced, so that the journal of the file system takes the file and its names in one
// commit. What a power cut leaves of a put without an answer is garbage that nothing names.
const createPut = (stored: string, incoming: string) => {
  const makeFolder = createFolders(stored)
  let sequence = 0

  return async (file: string, parts: readonly Uint8Array[]): Promise<'stored' | 'exists'> => {
    sequence += 1
    const temporary = path.join(incoming, String(sequence))
    const folder = path.dirname(file)
    await failsWith('none', () => makeFolder(folder))
    const handle = await failsWith('none', () => open(temporary, 'w'))
    const leave = () => Promise.all([handle.close(), absentAs(undefined, unlink(temporary))])
    let isLinked: boolean
    try {
      await failsWith('none', () => writeAll(handle, parts))
      isLinked = await linkIfAbsent(temporary, file)
      await failsWith('unknown', () => (isLinked ? syncLinked(handle, file) : syncFile(file)))
    } catch (error) {
      await leave()
      throw error
    }
    // Also where it was there before: who puts again after an unknown outcome takes the answer for durable.
    await failsWith('unknown', () => Promise.all([syncFolder(folder), leave()]))
    return isLinked || (await failsWith('unknown', () => holds(file, parts))) ? 'stored' : 'exists'
  }
}

/** After a failed sync the next one may succeed without having written anything: a repeated put begins anew. */
const syncLinked = async (handle: FileHandle, file: string): Promise<void> => {
  try {
    await handle.sync()
  } catch (error) {
    await unlink(file)
    throw error
  }
}

const linkIfAbsent = async (temporary: string, file: string): Promise<boolean> => {
  try {
    await link(temporary, file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw storageError(codeOf(error) === 'EIO' ? 'unknown' : 'none', error)
  }
}

/** The same bytes are an earlier attempt's, whose answer was lost. */
const holds = async (file: string, parts: readonly Uint8Array[]): Promise<boolean> => {
  const expected = Buffer.concat(parts)
  const found = await readRange(file, 0, expected.byteLength + 1)
  return found !== undefined && expected.equals(found)
}

const knownFoldersMax = 10_000

/**
 * Makes folders below `stored`, each once and durably before anything is linked into it. Puts that need one
 * folder wait for one making of it: a folder that is visible may not be on the disk yet.
 */
const createFolders = (stored: string) => {
  const known = new Map<string, Promise<void>>()

  const make = async (folder: string): Promise<void> => {
    await makeOnce(path.dirname(folder))
    await makeFolderDurably(folder)
  }

  const makeOnce = (folder: string): Promise<void> => {
    if (folder === stored) return Promise.resolve()
    const making = known.get(folder) ?? make(folder)
    known.set(folder, making)
    making.catch(() => known.delete(folder))
    for (const oldest of known.keys()) {
      if (known.size <= knownFoldersMax) break
      known.delete(oldest)
    }
    return making
  }

  return makeOnce
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
  const sizes = await Promise.all(names.map((name) => sizeOf(`${path.join(stored, name)}${objectMark}`)))
  const objects = names.flatMap((name, index) => {
    const size = sizes[index]
    return size === undefined ? [] : [{ name, size }]
  })
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
