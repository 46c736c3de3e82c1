// One partition, read once: the records of a fetch, walked until a bound is met. Errors of the partition
// are thrown.

import { invariant } from '../base/errors.ts'
import type { Cluster, FetchedPartition } from '../service/cluster.ts'
import type { AnswerRoom } from './bodies/answerRoom.ts'
import { type BeginWork, doWork } from './bodies/work.ts'
import type { HttpDeps } from './context.ts'
import { type RecordVisit, walkRecords } from './wire/fetched.ts'
import type { LongText } from './wire/longText.ts'

export interface PageRequest {
  readonly topicName: string
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
  readonly minBytes: number
  readonly maxWaitMs: number
  readonly signal: AbortSignal
}

export async function fetchPartition(
  cluster: Pick<Cluster, 'fetch'>,
  limits: HttpDeps['limits'],
  request: PageRequest,
): Promise<FetchedPartition> {
  // One answer is held in memory whole, as one body is.
  const maxBytes = Math.min(request.maxBytes, limits.bodyBytesMax)
  const { topicName, partition, offset, signal } = request
  const [fetched] = await cluster.fetch({
    topicName,
    partitions: [{ partition, offset, maxBytes }],
    maxBytes,
    minBytes: Math.min(request.minBytes, maxBytes),
    maxWaitMs: Math.min(request.maxWaitMs, limits.fetchWaitMsMax),
    signal,
  })
  invariant(fetched !== undefined, 'a fetch answers every partition that was asked for')
  if (fetched.error !== undefined) throw fetched.error
  return fetched
}

/** What compressed batches may grow to in one answer, in characters; the next request goes on behind it. */
export const pageCharactersMax = 32 * 1024 * 1024

interface PageMaking {
  readonly beginWork: BeginWork
  readonly room: AnswerRoom
  readonly text: LongText
}

/** Adds the records to `text`, with commas between them; answers the offset to go on from. */
export async function renderPage(
  { beginWork, room, text }: PageMaking,
  batches: readonly Uint8Array[],
  offset: number,
  render: (record: RecordVisit) => string,
): Promise<number> {
  const end = text.length() + room.charactersMax(pageCharactersMax)
  let isFirst = true
  return doWork(beginWork, (giveWay) =>
    walkRecords(giveWay, batches, offset, (record) => {
      text.add(isFirst ? render(record) : `,${render(record)}`)
      isFirst = false
      return text.length() < end
    }),
  )
}
