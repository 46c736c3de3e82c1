// The few file operations that durability hangs on: write everything, reach the disk, and the entry of a new
// file or folder reaches it too.
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import path from 'node:path'

/** writev may write less than it was given. */
const writeAll = async (handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> => {
  let rest = parts.filter((part) => part.byteLength > 0)
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest)
    rest = after(rest, bytesWritten)
  }
}

export const writeDurably = async (file: string, parts: readonly Uint8Array[]): Promise<void> => {
  const handle = await open(file, 'w')
  try {
    await writeAll(handle, parts)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Windows opens no folder; NTFS keeps a log of its entries. */
export const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Its entry in its parent folder is durable, also where a process that died had made it. */
export const makeFolderDurably = async (folder: string): Promise<void> => {
  await mkdir(folder).catch((error) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  await syncFolder(path.dirname(folder))
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined

const after = (parts: readonly Uint8Array[], written: number): Uint8Array[] => {
  let skipped = written
  const rest: Uint8Array[] = []
  for (const part of parts) {
    if (part.byteLength > skipped) rest.push(part.subarray(skipped))
    skipped = Math.max(0, skipped - part.byteLength)
  }
  return rest
}
