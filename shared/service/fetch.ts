// Fetch and ListOffsets: Kafka's limits and order of partitions (F1 to F9), waiting for records to come.

import { KafkaError } from '../base/errors.ts'
import type { LogEnds } from '../groups/logEnds.ts'
import type { BlockCache } from '../log/blockCache.ts'
import { type BlockSettings, createBlocks } from '../log/blocks.ts'
import type { CommitSignal } from '../log/commitSignal.ts'
import type { LogDeps } from '../log/deps.ts'
import { createExtents, isHole } from '../log/extents.ts'
import { markPartition } from '../log/maintain.ts'
import { findByTimestamp, findMaxTimestamp } from '../log/searchTimestamp.ts'
import {
  groupOf,
  logStartAttribute,
  nextAttribute,
  type PartitionState,
  parseSequencer,
  partitionState,
} from '../metadata/sequencer.ts'
import { retryRepeatableWrite } from '../ports/retry.ts'
import type { Cluster, FetchRequest, ListedOffset, OffsetSpec } from './cluster.ts'
import { fetchRound, outOfRange, type Readers, readSequencers, stateOf } from './fetchRound.ts'
import { type CachedTopic, checkPartition, type TopicCache, unknownTopic } from './topicCache.ts'

export interface FetchSettings extends BlockSettings {
  /**
   * A waiting fetch looks this often, at the beginning and at most: commits of other processes wake nobody
   * here.
   */
  readonly pollMsMin: number
  readonly pollMsMax: number
}

export interface FetchDeps extends LogDeps {
  readonly topics: TopicCache
  readonly signal: CommitSignal
  readonly blockCache: BlockCache
  readonly ends: LogEnds
}

type FetchApi = Pick<Cluster, 'fetch' | 'listOffsets' | 'deleteRecords'>

export function createFetch(deps: FetchDeps, settings: FetchSettings): FetchApi {
  const readers: Readers = {
    extents: createExtents(deps),
    blocks: createBlocks(deps, settings, deps.blockCache),
  }

  const fetchOnce = (request: FetchRequest) =>
    withTopic(deps.topics, request.topicName, async (topic) => {
      for (const { partition } of request.partitions) checkPartition(topic, partition)
      const round = await withFreshSequencer(() => fetchRound(deps, readers, topic, request))
      for (const { partition, highWatermark } of round.partitions) {
        deps.ends.note(topic.topicId, partition, highWatermark)
      }
      return round
    })

  return {
    async fetch(request) {
      const topic = await deps.topics.get(request.topicName)
      const groups = new Set(request.partitions.map(({ partition }) => groupOf(partition)))
      const keys = [...groups].map((group) => deps.scope.sequencer(topic.topicId, group).pk)
      const deadline = deps.clock.now() + request.maxWaitMs
      for (let pollMs = settings.pollMsMin; ; pollMs = Math.min(settings.pollMsMax, pollMs * 2)) {
        const subscription = deps.signal.subscribe(keys)
        try {
          const { partitions, complete } = await fetchOnce(request)
          const left = deadline - deps.clock.now()
          if (complete || left <= 0 || request.signal?.aborted) return partitions
          request.room?.drop()
          const waitFrom = deps.clock.now()
          await waitForCommit(deps, subscription.fired, Math.min(pollMs, left), request.signal)
          request.noteWaited?.(deps.clock.now() - waitFrom)
        } finally {
          subscription.cancel()
        }
      }
    },

    listOffsets: (topicName, partition, spec) =>
      withTopic(deps.topics, topicName, (topic) =>
        withFreshSequencer(() => listOffset(deps, readers, topic, partition, spec)),
      ),

    deleteRecords: (topicName, partition, beforeOffset) =>
      withTopic(deps.topics, topicName, (topic) => moveLogStart(deps, topic, partition, beforeOffset)),
  }
}

/** Wakes for a commit here, for the time to look elsewhere, or because the client has gone. */
async function waitForCommit(
  { clock }: FetchDeps,
  fired: Promise<void>,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const woken = new AbortController()
  const either = signal ? AbortSignal.any([signal, woken.signal]) : woken.signal
  await Promise.race([fired, clock.sleep(ms, either)])
  woken.abort('woken')
}

/** Once more with the topic read anew where what was remembered of it is gone. */
async function withTopic<T>(
  topics: TopicCache,
  name: string,
  work: (topic: CachedTopic) => Promise<T>,
): Promise<T> {
  const topic = await topics.get(name)
  try {
    return await work(topic)
  } catch (error) {
    const stale = error instanceof KafkaError && error.row.kafka === 3
    if (!stale) throw error
    const now = await topics.refresh(name)
    if (now.topicId === topic.topicId && now.partitionCount === topic.partitionCount) throw error
    return work(now)
  }
}

/**
 * Once more where retention was quicker than the reader: `work` reads the sequencer anew, and its log start
 * is past it.
 */
async function withFreshSequencer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isHole(error)) throw error
    return work()
  }
}

async function listOffset(
  deps: FetchDeps,
  readers: Readers,
  topic: CachedTopic,
  partition: number,
  spec: OffsetSpec,
): Promise<ListedOffset> {
  const state = await readState(deps, topic, partition)
  if (spec.kind === 'earliest') return { offset: state.logStartOffset, timestamp: -1 }
  if (spec.kind === 'latest') return { offset: state.nextOffset, timestamp: -1 }
  const place = { topicId: topic.topicId, partition }
  const found =
    spec.kind === 'maxTimestamp'
      ? await findMaxTimestamp(readers, place, state)
      : await findByTimestamp(readers, place, spec.timestamp, state)
  return found ?? { offset: -1, timestamp: -1 }
}

async function readState(deps: FetchDeps, topic: CachedTopic, partition: number): Promise<PartitionState> {
  checkPartition(topic, partition)
  return stateOf(topic, await readSequencers(deps, topic, [{ partition }]), partition)
}

async function moveLogStart(
  deps: FetchDeps,
  topic: CachedTopic,
  partition: number,
  beforeOffset: number,
): Promise<number> {
  if (!topic.config.cleanupPolicy.delete) {
    const message = `Topic '${topic.name}' keeps its records: its cleanup.policy does not contain delete.`
    throw new KafkaError('POLICY_VIOLATION', message)
  }
  const state = await readState(deps, topic, partition)
  const offset = beforeOffset === -1 ? state.nextOffset : beforeOffset
  if (offset < 0 || offset > state.nextOffset) throw outOfRange(offset, state)
  if (offset <= state.logStartOffset) return state.logStartOffset
  const start = logStartAttribute(partition)
  const outcome = await retryRepeatableWrite(deps, () =>
    deps.table.write({
      kind: 'update',
      key: deps.scope.sequencer(topic.topicId, groupOf(partition)),
      actions: [{ kind: 'set', attribute: start, value: offset }],
      when: [
        { kind: 'below', attribute: start, value: offset },
        { kind: 'atLeast', attribute: nextAttribute(partition), value: offset },
      ],
    }),
  )
  if (outcome.ok) {
    // The log start has moved: no failure behind that is the caller's.
    await markPartition(deps, topic.topicId, partition).catch(deps.reportBackgroundFailure)
    return offset
  }
  const now = outcome.current && partitionState(parseSequencer(outcome.current), partition)
  if (!now) throw unknownTopic(topic.name)
  return now.logStartOffset
}
