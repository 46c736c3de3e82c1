// One flush, decided: when pending appends go out, in which containers, and in what order their batches lie there.

import { limits } from '../base/limits.ts'
import type { AcceptedBatch } from '../kafka/validateBatch.ts'
import type { ExtentStorage } from '../metadata/extent.ts'
import { encodeFlushFooter } from '../metadata/flushFooter.ts'
import { groupOf } from '../metadata/sequencer.ts'
import type { FlushedBatch } from './planCommit.ts'

export interface AppendRequest {
  readonly topicId: string
  readonly partition: number
  /** millrace.write.path of the topic. */
  readonly writePath: 'auto' | 's3' | 'inline'
  readonly batches: readonly AcceptedBatch[]
}

export interface FlushSettings {
  /** How long an append waits for others to share its flush, while no flush is under way. */
  readonly lingerMs: number
  readonly flushBytesMax: number
  readonly flushRequestsMax: number
  readonly flushesInFlightMax: number
}

/** A batch in its container, and whom to answer. */
export interface ContainedBatch extends FlushedBatch {
  readonly request: AppendRequest
  readonly index: number
}

export interface Container {
  readonly storage: ExtentStorage
  readonly parts: readonly Uint8Array[]
  /** One for each sequencer touched; batches in the order in which they were asked for. */
  readonly commits: readonly {
    readonly topicId: string
    readonly group: number
    readonly batches: readonly ContainedBatch[]
  }[]
}

export const bytesOf = (request: AppendRequest): number =>
  request.batches.reduce((sum, batch) => sum + batch.bytes.length, 0)

/**
 * Beside flushes under way another one is worth its requests only when it is large: small ones gather meanwhile, and
 * share the next.
 */
export const maySendAnother = (inFlight: number, pendingBytes: number, settings: FlushSettings): boolean =>
  inFlight === 0 || (inFlight < settings.flushesInFlightMax && pendingBytes >= settings.flushBytesMax / 4)

/** How many of the pending requests make the next flush: the oldest ones, at least one. */
export function flushLength(pending: readonly AppendRequest[], settings: FlushSettings): number {
  let bytes = 0
  const tooMuch = pending.findIndex((request, i) => {
    bytes += bytesOf(request)
    return i > 0 && (bytes > settings.flushBytesMax || i >= settings.flushRequestsMax)
  })
  return tooMuch === -1 ? pending.length : tooMuch
}

/**
 * Small flushes go inline: a table item is cheaper than an object. All batches of a topic go the same way, so a
 * sequencer is committed once.
 */
export function planContainers(requests: readonly AppendRequest[]): readonly Container[] {
  const topics = [...Map.groupBy(requests, (request) => request.topicId).values()]
  const size = (some: readonly AppendRequest[]) => some.reduce((sum, request) => sum + bytesOf(request), 0)
  const asked = (some: readonly AppendRequest[]) => some[0]?.writePath
  const fitsInline = topics.filter((t) => asked(t) === 'inline' && size(t) <= limits.inlineBytesMax)
  const auto = topics.filter((t) => asked(t) === 'auto')
  const toObject = topics.filter((t) => !fitsInline.includes(t) && !auto.includes(t))
  const autoInline = toObject.length === 0 && size(auto.flat()) <= limits.inlineFlushBytesMax
  const inline = [...fitsInline, ...(autoInline ? auto : [])]
  const object = [...toObject, ...(autoInline ? [] : auto)]
  return [
    ...inlineContainers(inline).map((some) => layOut('inline', some)),
    ...(object.length > 0 ? [layOut('object', object.flat())] : []),
  ]
}

/** Each inline item below the table's limit. */
function inlineContainers(
  topics: readonly (readonly AppendRequest[])[],
): readonly (readonly AppendRequest[])[] {
  const containers: AppendRequest[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const requests of topics) {
    const size = requests.reduce((sum, request) => sum + bytesOf(request), 0)
    const last = containers.at(-1)
    if (last && bytes + size <= limits.inlineBytesMax) last.push(...requests)
    else containers.push([...requests])
    bytes = last && bytes + size <= limits.inlineBytesMax ? bytes + size : size
  }
  return containers
}

/** Partitions side by side, within one the order in which the batches came. */
function layOut(storage: ExtentStorage, requests: readonly AppendRequest[]): Container {
  const parts: Uint8Array[] = []
  let position = 0
  const bySequencer = Map.groupBy(requests, (r) => `${r.topicId}/${groupOf(r.partition)}`)
  const commits = [...bySequencer.values()].flatMap((some) => {
    const byPartition = Map.groupBy(some, (request) => request.partition)
    const batches = [...byPartition.values()].flat().flatMap((request) =>
      request.batches.map((batch, index): ContainedBatch => {
        parts.push(batch.bytes)
        const contained = containedBatch(request, batch, index, position)
        position += batch.bytes.length
        return contained
      }),
    )
    const [first] = some
    return first ? [{ topicId: first.topicId, group: groupOf(first.partition), batches }] : []
  })
  return { storage, parts: [...parts, encodeFlushFooter(commits)], commits }
}

function containedBatch(
  request: AppendRequest,
  batch: AcceptedBatch,
  index: number,
  position: number,
): ContainedBatch {
  const { producer, recordCount, maxTimestamp, bytes } = batch
  return {
    request,
    index,
    partition: request.partition,
    position,
    length: bytes.length,
    recordCount,
    maxTimestamp,
    producer: producer && {
      producerId: producer.id,
      epoch: producer.epoch,
      baseSequence: producer.baseSequence,
      recordCount,
    },
  }
}
