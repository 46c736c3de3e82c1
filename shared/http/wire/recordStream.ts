// A body of concatenated v3 records, appended while the rest of it still comes, and its delivery reports in
// order.
// A record that cannot be appended gets a report of its own. Whatever else is wrong is thrown while nothing
// has been reported yet, because it can still be the answer's status, and is the last report afterwards.
// Two loops: one reads and parses, the other appends what has been parsed and reports it. Order is kept
// because only one append is under way. What is parsed keeps its room until its report has gone out.

import { invariant, KafkaError } from '../../base/errors.ts'
import type { GiveWay } from '../../ports/giveWay.ts'
import type { Cluster, RecordOutcome } from '../../service/cluster.ts'
import type { StreamRoom } from '../bodies/streamRoom.ts'
import { type BeginWork, doWork, type Work } from '../bodies/work.ts'
import { isObject, parseJson } from './json.ts'
import { createObjectSplitter, type StreamedObject } from './jsonStream.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'
import { parseV3Record, renderRefusal, renderReport, reportPrefix, type V3Record } from './v3Record.ts'

/** One append: large enough to fill a batch, small enough that what waits for it is bounded. */
const appendMax = { items: 5000, bytes: 1024 * 1024 } as const
/** Those that one append is made of, and those that wait for the next. */
export const parsedAtOnceMax = 2 * appendMax.items
/** What is kept about a parsed record beside its bytes: most of what a small one takes. */
export const recordBytes = 512
export const recordDepthMax = 1000

export interface RecordSource {
  /** The next bytes, undefined at the end. `insideRecord`: the client owes the rest of a record. */
  read(insideRecord: boolean): Promise<Uint8Array | undefined>
  /** undefined: what is read has its room already. */
  readonly room: StreamRoom | undefined
}

export interface RecordStreamRequest {
  readonly cluster: Cluster
  readonly topicName: string
  readonly source: RecordSource
  readonly recordBytesMax: number
  readonly beginWork: BeginWork
  /** What the client is told of a failure that is no KafkaError. */
  readonly asRefusal: (error: unknown) => KafkaError
}

type Parsed =
  | { readonly kind: 'record'; readonly record: V3Record }
  | { readonly kind: 'refused'; readonly error: KafkaError }
type Item = (Parsed | { readonly kind: 'failed'; readonly error: unknown }) & {
  /** Of the stream's room. */
  readonly bytes: number
}

/** Yields the reports of one append at a time. */
export async function* appendRecordStream(request: RecordStreamRequest): AsyncGenerator<string> {
  const prefix = reportPrefix(request.cluster.clusterId, request.topicName)
  const { room } = request.source
  const mailbox = createMailbox<Item>(appendMax)
  const reading = readRecords(request, mailbox)
  let reported = false
  try {
    for (let items = await mailbox.take(); items !== undefined; items = await mailbox.take()) {
      if (!reported && items[0]?.kind === 'failed') throw items[0].error
      const outcomes = await append(request, items, reported)
      yield await doWork(request.beginWork, (giveWay) =>
        renderItems(giveWay, items, outcomes, prefix, request.asRefusal),
      )
      reported = true
      room?.giveBack(items.reduce((sum, { bytes }) => sum + bytes, 0))
    }
  } finally {
    mailbox.close()
    room?.leave()
  }
  await reading
}

async function readRecords(request: RecordStreamRequest, mailbox: Mailbox<Item>): Promise<void> {
  const { source, recordBytesMax, beginWork } = request
  const splitter = createObjectSplitter({ objectBytesMax: recordBytesMax, depthMax: recordDepthMax })
  let count = 0
  try {
    while (!mailbox.isClosed()) {
      const chunk = await source.read(splitter.isInsideObject())
      if (chunk === undefined) {
        splitter.end()
        if (count === 0) throw emptyBody()
        break
      }
      const work = beginWork()
      try {
        count = await keepRecords(request, work, splitter.push(chunk), mailbox, count)
      } finally {
        work.end()
      }
      mailbox.offer()
      const entering = source.room?.hold(splitter.heldBytes())
      if (entering !== undefined) await entering
    }
  } catch (error) {
    mailbox.put({ kind: 'failed', error, bytes: 0 }, 0)
  } finally {
    mailbox.close()
  }
}

/** Only what is offered is appended: a body is not cut into small appends where it gives way. */
async function keepRecords(
  { source: { room }, recordBytesMax }: RecordStreamRequest,
  work: Work,
  objects: Iterable<StreamedObject>,
  mailbox: Mailbox<Item>,
  before: number,
): Promise<number> {
  let count = before
  for (const object of objects) {
    const size = sizeOf(object)
    const entering = room?.take(recordBytes + size)
    if (entering !== undefined) {
      mailbox.offer()
      await work.wait(entering)
    }
    const item = { ...parseItem(object, count, recordBytesMax), bytes: recordBytes + size }
    const full = mailbox.put(item, size)
    count++
    const turn = full === undefined ? work.giveWay() : work.wait(full)
    if (turn !== undefined) await turn
  }
  return count
}

export function emptyBody(): KafkaError {
  return new KafkaError('UNPROCESSABLE', 'Payload error. Request body is empty. Data is required.')
}

function sizeOf(object: StreamedObject): number {
  return object.kind === 'object' ? object.bytes.length : 0
}

function parseItem(object: StreamedObject, before: number, bytesMax: number): Parsed {
  const where = `at byte ${object.position}, after ${before} records`
  if (object.kind === 'oversize') {
    const message = `the record ${where} has ${object.size} bytes of JSON, at most ${bytesMax} are read`
    return { kind: 'refused', error: new KafkaError('MESSAGE_TOO_LARGE', message) }
  }
  const { text, value } = parseJson(object.bytes, where)
  if (!isObject(value)) throw new KafkaError('BAD_REQUEST', `the record ${where} is not an object`)
  try {
    return { kind: 'record', record: parseV3Record(value, text, { start: 0, end: text.length }) }
  } catch (error) {
    if (error instanceof KafkaError) return { kind: 'refused', error }
    throw error
  }
}

async function append(
  request: RecordStreamRequest,
  items: readonly Item[],
  reported: boolean,
): Promise<readonly RecordOutcome[]> {
  const records = items.flatMap((item) => (item.kind === 'record' ? [item.record.record] : []))
  if (records.length === 0) return []
  try {
    return await request.cluster.produceRecords(request.topicName, records)
  } catch (error) {
    if (!reported) throw error
    const refusal = request.asRefusal(error)
    return records.map(() => ({ ok: false, error: refusal }))
  }
}

async function renderItems(
  giveWay: GiveWay,
  items: readonly Item[],
  outcomes: readonly RecordOutcome[],
  prefix: string,
  asRefusal: RecordStreamRequest['asRefusal'],
): Promise<string> {
  let text = ''
  let next = 0
  for (const item of items) {
    if (item.kind === 'refused') text += renderRefusal(item.error)
    else if (item.kind === 'failed') text += renderRefusal(asRefusal(item.error))
    else {
      const outcome = outcomes[next++]
      invariant(outcome !== undefined, 'every record that was appended has an outcome')
      text += renderReport(outcome, item.record, prefix)
    }
    text += '\n'
    const turn = giveWay()
    if (turn !== undefined) await turn
  }
  return text
}
