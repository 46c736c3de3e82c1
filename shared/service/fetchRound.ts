// One look at the log for a fetch: each partition in the order of the request, within the bytes that are left (F2, F3,
// F4).

import { KafkaError } from '../base/errors.ts'
import type { Blocks } from '../log/blocks.ts'
import type { LogDeps } from '../log/deps.ts'
import type { Extents } from '../log/extents.ts'
import { type ReadLimit, readBatches } from '../log/readBatches.ts'
import {
  groupOf,
  type PartitionState,
  parseSequencer,
  partitionState,
  type Sequencer,
} from '../metadata/sequencer.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { FetchedPartition, FetchRequest, PartitionToFetch, Topic } from './cluster.ts'
import { type CachedTopic, unknownTopic } from './topicCache.ts'

export interface Readers {
  readonly extents: Extents
  readonly blocks: Blocks
}

export interface Round {
  readonly partitions: readonly FetchedPartition[]
  /** There is no reason to wait: enough bytes, an error, or more than fits. */
  readonly complete: boolean
}

interface PartitionRead {
  readonly fetched: FetchedPartition
  readonly more: boolean
}

export async function fetchRound(
  deps: LogDeps,
  readers: Readers,
  topic: CachedTopic,
  request: FetchRequest,
): Promise<Round> {
  const sequencers = await readSequencers(deps, topic, request.partitions)
  const partitions: FetchedPartition[] = []
  let bytes = 0
  let complete = false
  for (const wanted of request.partitions) {
    const maxBytes = Math.min(wanted.maxBytes, request.maxBytes - bytes)
    const state = stateOf(topic, sequencers, wanted.partition)
    const limit = { maxBytes, firstIsWhole: bytes === 0, ...roomFor(deps, request, bytes === 0) }
    const { fetched, more } = await readPartition(readers, topic, wanted, limit, state)
    partitions.push(fetched)
    bytes += fetched.batches.reduce((sum, batch) => sum + batch.length, 0)
    complete ||= more || fetched.error !== undefined
  }
  return { partitions, complete: complete || bytes >= request.minBytes }
}

async function readPartition(
  readers: Readers,
  topic: CachedTopic,
  { partition, offset }: PartitionToFetch,
  limit: ReadLimit,
  state: PartitionState,
): Promise<PartitionRead> {
  const { logStartOffset, nextOffset: highWatermark } = state
  const base = { partition, logStartOffset, highWatermark }
  if (offset < logStartOffset || offset > highWatermark) {
    return { fetched: { ...base, batches: [], error: outOfRange(offset, state) }, more: false }
  }
  if (offset === highWatermark) return { fetched: { ...base, batches: [] }, more: false }
  if (limit.maxBytes <= 0 && !limit.firstIsWhole) return { fetched: { ...base, batches: [] }, more: true }
  const at = { topicId: topic.topicId, partition, offset }
  const { batches, more } = await readBatches(readers, at, limit, state)
  return { fetched: { ...base, batches }, more }
}

/** While it has nothing yet it may wait, and what it read before is in nobody's way. */
function roomFor(
  { clock }: LogDeps,
  { room, noteWaited }: FetchRequest,
  isFirst: boolean,
): Pick<ReadLimit, 'makeRoom'> {
  if (room === undefined) return {}
  const makeRoom = async (bytes: number): Promise<boolean> => {
    if (isFirst) room.drop()
    const taken = room.take(bytes)
    if (!(taken instanceof Promise)) return taken
    const startMs = clock.now()
    try {
      return await taken
    } finally {
      noteWaited?.(clock.now() - startMs)
    }
  }
  return { makeRoom }
}

/** One strongly consistent read for each sequencer that the partitions lie in. */
export async function readSequencers(
  deps: LogDeps,
  topic: Topic,
  partitions: readonly { readonly partition: number }[],
): Promise<ReadonlyMap<number, Sequencer>> {
  const groups = [...new Set(partitions.map(({ partition }) => groupOf(partition)))]
  const read = groups.map(async (group): Promise<readonly [number, Sequencer]> => {
    const key = deps.scope.sequencer(topic.topicId, group)
    const item = await retryRepeatable(deps, () => deps.table.get(key))
    if (!item) throw unknownTopic(topic.name)
    return [group, parseSequencer(item)]
  })
  return new Map(await Promise.all(read))
}

export function stateOf(
  topic: Topic,
  sequencers: ReadonlyMap<number, Sequencer>,
  partition: number,
): PartitionState {
  const sequencer = sequencers.get(groupOf(partition))
  const state = sequencer && partitionState(sequencer, partition)
  if (!state) throw unknownTopic(topic.name)
  return state
}

export const outOfRange = (offset: number, { logStartOffset, nextOffset }: PartitionState): KafkaError =>
  new KafkaError(
    'OFFSET_OUT_OF_RANGE',
    `Offset ${offset} is out of range: ${logStartOffset} to ${nextOffset}.`,
    {
      logStartOffset,
      highWatermark: nextOffset,
    },
  )
