// The collector's part in consumer groups: members that nobody heard of leave, offsets that Kafka's retention gives up
// are deleted, and so is a group with its last offset, or that never was more than its name. What fails for one group
// keeps no other from its turn.

import { limits } from '../base/limits.ts'
import { forgetting, type GroupLife } from '../metadata/groupLifeItem.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { parseOffsets, type StoredOffsets } from '../metadata/offsetsItem.ts'
import { committedBlockOf, committedPrefix } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item, Write } from '../ports/table.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { clearForgotten } from './forgottenInstances.ts'
import { allLives } from './groupLife.ts'
import type { GroupStoreDeps } from './groupStore.ts'
import { asSeen } from './planOffsetCommit.ts'
import { clearRemains, removeGroup } from './removeGroup.ts'

export interface SweepDeps extends GroupStoreDeps {
  readonly groups: Pick<GroupCoordinator, 'read'>
  topicExists(topicName: string, topicId: string): Promise<boolean>
  readonly reportBackgroundFailure: (error: unknown) => void
}

export interface SweepOptions {
  /** offsets.retention.minutes */
  readonly offsetsRetentionMs: number
  /** Asked before each group. */
  readonly isOver: () => boolean
}

/** Committed offsets of up to 64 partitions of a topic, as they were read. */
interface Block {
  readonly item: Item
  readonly topicId: string
  readonly offsets: StoredOffsets
}

export async function sweepGroups(deps: SweepDeps, options: SweepOptions): Promise<void> {
  for (const { groupId, life } of await allLives(deps)) {
    if (options.isOver()) return
    try {
      if (life.goneMs === undefined) await sweepGroup(deps, groupId, options.offsetsRetentionMs)
      else await forget(deps, groupId, life)
    } catch (error) {
      deps.reportBackgroundFailure(error)
    }
  }
}

async function sweepGroup(deps: SweepDeps, groupId: string, offsetsRetentionMs: number): Promise<void> {
  await clearForgotten(deps, groupId)
  const group = await deps.groups.read(groupId)
  const blocks = await readBlocks(deps, groupId)
  const nowMs = deps.clock.now()
  const expired: Block[] = []
  for (const block of blocks) {
    const isPast = nowMs - lastUseMs(group, block) > offsetsRetentionMs && !isSubscribed(group, block)
    // Asked after the block was read: a topic that is newer than that is not taken for one that is deleted.
    if (isPast || !(await deps.topicExists(block.offsets.topicName, block.topicId))) expired.push(block)
  }
  const isLong = group.members.size === 0 && nowMs - (group.emptySinceMs ?? 0) > limits.graceMs
  if (isLong && expired.length === blocks.length) await removeGroup(deps, groupId, group)
  else for (const block of expired) await write(deps, deletion(block))
}

const isSubscribed = ({ members, topics }: StoredGroup, { topicId }: Block): boolean =>
  members.size > 0 && topics.has(topicId)

/** Kafka counts from when the group became empty, and from the commit of who is in no group. */
function lastUseMs({ emptySinceMs = 0 }: StoredGroup, { offsets }: Block): number {
  const commits = [...offsets.offsets.values()].map(({ commitTimestamp }) => commitTimestamp)
  return commits.reduce((latest, ms) => Math.max(latest, ms), emptySinceMs)
}

/** Unless somebody commits meanwhile. */
const deletion = ({ item, offsets }: Block): Write => ({
  kind: 'delete',
  key: item.key,
  when: asSeen(offsets),
})

async function readBlocks(deps: SweepDeps, groupId: string): Promise<readonly Block[]> {
  const { pk } = deps.scope.consumerGroup(groupId).state
  const items = await queryAll(deps, { pk, prefix: committedPrefix })
  return items.map((item) => {
    return { item, topicId: committedBlockOf(item.key.sk).topicId, offsets: parseOffsets(item) }
  })
}

/** Nothing that was written for it can land any more: nobody has to know that it was. */
async function forget(deps: SweepDeps, groupId: string, life: GroupLife): Promise<void> {
  if (deps.clock.now() - (life.goneMs ?? Number.POSITIVE_INFINITY) <= limits.graceMs) return
  await clearRemains(deps, groupId)
  await write(deps, forgetting(deps.scope.consumerGroup(groupId).listed, life))
}

const write = (deps: SweepDeps, one: Write) => retryRepeatable(deps, () => deps.table.write(one))
