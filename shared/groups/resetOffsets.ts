// Resets the offsets of a group that nobody is in: says what it would do, or does exactly that.

import { createLimiter } from '../base/concurrency.ts'
import { KafkaError } from '../base/errors.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { hasPartition, inBlocks, type TopicPartition, unknownPartition } from './checkOffsets.ts'
import { blocksAtOnce, type Committer, commitBlock, stranger } from './commitOffsets.ts'
import { byTopicAndPartition, committedOffsets } from './committedOffsets.ts'
import { checkGroupId } from './heartbeat.ts'
import { existingGroup } from './members.ts'
import type { OffsetsDeps, TopicPlace } from './offsetsDeps.ts'
import { planReset, type ResetTarget, timeOf } from './planReset.ts'

export interface ResetRequest {
  readonly groupId: string
  /** Topics in whole or single partitions; undefined: all that the group has committed. */
  readonly topics:
    | readonly { readonly topicName: string; readonly partitions?: readonly number[] }[]
    | undefined
  readonly target: ResetTarget
  readonly dryRun: boolean
}

export interface ResetOffset extends TopicPartition {
  /** undefined: nothing was committed. */
  readonly before: number | undefined
  /** Clamped to what the log has. */
  readonly after: number
}

/** By topic and partition. Errors: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST. */
export async function resetOffsets(
  deps: OffsetsDeps,
  request: ResetRequest,
): Promise<readonly ResetOffset[]> {
  const { groupId, target } = request
  checkGroupId(groupId)
  const group = await inactiveGroup(deps, groupId)
  const committed = await committedOffsets(deps, groupId, undefined, undefined)
  const before = Map.groupBy(committed, ({ topicName }) => topicName)
  const limiter = createLimiter(blocksAtOnce)
  const planned = (await wantedTopics(deps, request, committed)).map(({ topic, partitions }) =>
    limiter(async () => {
      const offsets = new Map(
        (before.get(topic.name) ?? []).map(({ partition, offset }) => [partition, offset]),
      )
      return { topic, resets: await planTopic(deps, topic, partitions, offsets, target) }
    }),
  )
  const plans = await Promise.all(planned)
  if (!request.dryRun) await carryOut(deps, groupId, group, plans)
  return plans.flatMap(({ resets }) => resets).sort(byTopicAndPartition)
}

async function inactiveGroup(deps: OffsetsDeps, groupId: string): Promise<StoredGroup> {
  const group = await existingGroup(deps, groupId)
  if (group.members.size === 0) return group
  throw new KafkaError(
    'NON_EMPTY_GROUP',
    `Group '${groupId}' has members: offsets are reset while it is inactive.`,
  )
}

interface WantedTopic {
  readonly topic: TopicPlace
  readonly partitions: readonly number[]
}

async function wantedTopics(
  { topics }: OffsetsDeps,
  request: ResetRequest,
  committed: readonly TopicPartition[],
): Promise<readonly WantedTopic[]> {
  const numbers = new Map<string, Set<number>>()
  const want = async (topicName: string, partitions: readonly number[] | undefined) => {
    const { partitionCount } = await topics.refresh(topicName)
    const known = numbers.get(topicName) ?? new Set()
    for (const partition of partitions ?? Array(partitionCount).keys()) known.add(partition)
    numbers.set(topicName, known)
  }
  const named = request.topics ?? [...Map.groupBy(committed, ({ topicName }) => topicName)].map(whole)
  for (const { topicName, partitions } of named) await want(topicName, partitions)
  const wanted = [...numbers].map(async ([topicName, partitions]) => {
    const topic = await topics.get(topicName)
    for (const partition of partitions)
      if (!hasPartition(topic, partition)) throw unknownPartition(topic, partition)
    return { topic, partitions: [...partitions] }
  })
  return Promise.all(wanted)
}

const whole = ([topicName, committed]: [string, TopicPartition[]]) => ({
  topicName,
  partitions: committed.map(({ partition }) => partition),
})

async function planTopic(
  deps: OffsetsDeps,
  topic: TopicPlace,
  partitions: readonly number[],
  before: ReadonlyMap<number, number>,
  target: ResetTarget,
): Promise<readonly ResetOffset[]> {
  const ranges = await deps.logRanges(topic, partitions)
  const time = timeOf(target, deps.clock.now())
  const resets: ResetOffset[] = []
  for (const partition of partitions) {
    const { start, end } = ranges.get(partition) ?? { start: 0, end: 0 }
    const atTime = time === undefined ? undefined : await deps.offsetAt(topic.name, partition, time)
    const facts = { start, end, before: before.get(partition), atTime }
    resets.push({ topicName: topic.name, partition, before: facts.before, after: planReset(target, facts) })
  }
  return resets
}

interface TopicResets {
  readonly topic: TopicPlace
  readonly resets: readonly ResetOffset[]
}

/** Blocks of partitions are written one by one: where some are and others are not, the answer says that. */
async function carryOut(
  deps: OffsetsDeps,
  groupId: string,
  group: StoredGroup,
  plans: readonly TopicResets[],
): Promise<void> {
  const limiter = createLimiter(blocksAtOnce)
  const committer = resetter(deps, groupId, group)
  const blocks = plans.flatMap(({ topic, resets }) =>
    [...inBlocks(resets)].map(([block, ofBlock]) =>
      limiter(async () => {
        const offsets = ofBlock.map(({ topicName, partition, after }) => {
          return { topicName, partition, offset: after, leaderEpoch: -1, metadata: '' }
        })
        const refused = await commitBlock({ deps, groupId, committer, limiter }, topic, block, offsets)
        return { refusals: [...refused.values()], isDone: refused.size < offsets.length }
      }),
    ),
  )
  const outcomes = await Promise.allSettled(blocks)
  const [refusal] = outcomes.flatMap((outcome): readonly unknown[] =>
    outcome.status === 'rejected' ? [outcome.reason] : outcome.value.refusals,
  )
  if (refusal === undefined) return
  const isBegun = outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value.isDone)
  throw isBegun && refusal instanceof KafkaError ? halfDone(refusal) : refusal
}

const halfDone = ({ message }: KafkaError): KafkaError =>
  new KafkaError(
    'REQUEST_TIMED_OUT',
    `Some offsets were reset and others were not: ${message} The same request again does the rest.`,
  )

function resetter(deps: OffsetsDeps, groupId: string, { groupEpoch }: StoredGroup): Committer {
  const again = async () => resetter(deps, groupId, await inactiveGroup(deps, groupId))
  return stranger(deps, groupId, groupEpoch, again)
}
