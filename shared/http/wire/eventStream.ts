// Server-Sent Events: one event a record, and the cursor of a reader who comes back with Last-Event-ID.
// Of one partition the id is the record's offset; of a topic it is where to go on in every partition,
// `partition:nextOffset` in order, joined by commas. Data never holds a line break.

import { KafkaError } from '../../base/errors.ts'

export const eventStreamType = 'text/event-stream'

export function renderEvent(id: string, json: string): string {
  return `id: ${id}\ndata: ${json}\n\n`
}

export function renderFailure(json: string): string {
  return `event: error\ndata: ${json}\n\n`
}

/** A comment: clients drop it, proxies see that the stream is alive. */
export const heartbeat = ': heartbeat\n\n'

/** Where a reader of one partition goes on. */
export function parseOffsetCursor(lastEventId: string): number {
  return parseOffset(lastEventId, lastEventId) + 1
}

export function renderTopicCursor(positions: ReadonlyMap<number, number>): string {
  return Array.from(positions, ([partition, next]) => `${partition}:${next}`).join(',')
}

export function parseTopicCursor(lastEventId: string): ReadonlyMap<number, number> {
  const positions = new Map<number, number>()
  for (const pair of lastEventId.split(',')) {
    const [partition = '', next = '', ...more] = pair.split(':')
    const number = parseOffset(partition, lastEventId)
    if (more.length > 0 || positions.has(number)) throw refuse()
    positions.set(number, parseOffset(next, lastEventId))
  }
  return positions
}

function parseOffset(text: string, lastEventId: string): number {
  const number = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN
  if (lastEventId.length > 65_536 || !Number.isSafeInteger(number)) throw refuse()
  return number
}

function refuse(): KafkaError {
  return new KafkaError('BAD_REQUEST', 'Last-Event-ID is not an id of this stream')
}
