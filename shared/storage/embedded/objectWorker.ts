// The embedded object store's one writer, a thread of its own: a put is a dozen calls that would each wait for a turn
// of the event loop, and whose syncs must not block it. What waits in its queue is one group: every file is written and
// linked, then synced, then each folder once. Linked before it is synced, so that the journal of the file system takes
// the file and its names in one commit; what a power cut leaves of a put without an answer is garbage that nothing
// names.

import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { invariant } from '../../base/errors.ts'
import { codeOf } from './files.ts'
import type { PutOrder, PutOutcome, PutReply, WriterSettings } from './objectProtocol.ts'

const port = parentPort
invariant(port !== null, 'the writer of objects runs as a worker')
const { stored, incoming }: WriterSettings = workerData
const groupMax = 64
const knownFoldersMax = 10_000
const knownFolders = new Set([stored])
let sequence = 0

interface OpenFile {
  readonly descriptor: number
  readonly temporary: string
}

interface Written extends OpenFile {
  readonly id: number
  readonly file: string
  outcome: PutOutcome
}

port.on('message', (first: PutOrder) => {
  const group = [first]
  while (group.length < groupMax) {
    const next = receiveMessageOnPort(port)
    if (!next) break
    group.push(next.message)
  }
  port.postMessage(storeGroup(group))
})

function storeGroup(orders: readonly PutOrder[]): readonly PutReply[] {
  const answered: PutReply[] = []
  const written: Written[] = []
  for (const order of orders) {
    try {
      written.push(write(order))
    } catch (error) {
      answered.push({ id: order.id, outcome: failure('none', error) })
    }
  }
  for (const one of written) sync(one)
  const folders = new Set(written.map(({ file }) => path.dirname(file)))
  for (const folder of folders) syncFolderOf(folder, written)
  for (const one of written) leave(one)
  return [...answered, ...written.map(({ id, outcome }) => ({ id, outcome }))]
}

/** Of many puts of one name only one links it. */
function write({ id, file, content }: PutOrder): Written {
  const open = openTemporary(content)
  try {
    if (content.kind === 'bytes') writeAll(open.descriptor, content.bytes)
    makeFolder(path.dirname(file))
    return { ...open, id, file, outcome: { kind: link(open.temporary, file) } }
  } catch (error) {
    leave(open)
    throw error
  }
}

/** What is written already is opened for writing because Windows syncs nothing else. */
function openTemporary(content: PutOrder['content']): OpenFile {
  if (content.kind === 'file') {
    const { temporary } = content
    return { descriptor: openSync(temporary, 'r+'), temporary }
  }
  sequence += 1
  const temporary = path.join(incoming, String(sequence))
  return { descriptor: openSync(temporary, 'w'), temporary }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done)
}

function link(temporary: string, file: string): 'stored' | 'exists' {
  try {
    linkSync(temporary, file)
    return 'stored'
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'exists'
    throw error
  }
}

function sync(one: Written): void {
  try {
    if (one.outcome.kind === 'stored') fsyncSync(one.descriptor)
    else one.outcome = { kind: syncPresent(one) }
  } catch (error) {
    // After a failed sync the next one may succeed without having written anything: a repeated put begins anew.
    if (one.outcome.kind === 'stored') unlinkSync(one.file)
    one.outcome = failure('unknown', error)
  }
}

/** What is there may be this put's own, repeated after an unknown outcome: then the answer means durable, too. */
function syncPresent({ file, temporary }: Written): 'stored' | 'exists' {
  // Opened for writing because Windows syncs nothing else.
  const descriptor = openSync(file, 'r+')
  try {
    fsyncSync(descriptor)
    return readFileSync(descriptor).equals(readFileSync(temporary)) ? 'stored' : 'exists'
  } finally {
    closeSync(descriptor)
  }
}

function syncFolderOf(folder: string, written: readonly Written[]): void {
  try {
    syncFolder(folder)
  } catch (error) {
    for (const one of written) if (path.dirname(one.file) === folder) one.outcome = failure('unknown', error)
  }
}

/** Windows opens no folder; NTFS keeps a log of its entries. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Each once, and durably before anything is linked into it. */
function makeFolder(folder: string): void {
  if (knownFolders.has(folder)) return
  const parent = path.dirname(folder)
  makeFolder(parent)
  mkdirSync(folder, { recursive: true })
  syncFolder(parent)
  if (knownFolders.size >= knownFoldersMax) knownFolders.clear()
  knownFolders.add(stored).add(folder)
}

function leave({ descriptor, temporary }: OpenFile): void {
  closeSync(descriptor)
  unlinkSync(temporary)
}

function failure(effect: 'none' | 'unknown', error: unknown): PutOutcome {
  return { kind: 'failed', effect, message: error instanceof Error ? error.message : String(error) }
}
