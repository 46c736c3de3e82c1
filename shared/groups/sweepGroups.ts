// The collector's part in consumer groups: members that nobody heard of leave, offsets that Kafka's retention gives up
// are deleted, and so is a group with its last offset. What fails for one group keeps no other from its turn.

import { limits } from '../base/limits.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { parseOffsets, type StoredOffsets, versionAttribute } from '../metadata/offsetsItem.ts'
import { committedBlockOf, committedPrefix } from '../metadata/scope.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Condition, Item, Write } from '../ports/table.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { clearForgotten } from './forgottenInstances.ts'
import { type GroupStoreDeps, listedGroups } from './groupStore.ts'
import { removeGroup } from './removeGroup.ts'

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

const blocksPerPage = 100
const sinceAttribute = 'since'

export async function sweepGroups(deps: SweepDeps, options: SweepOptions): Promise<void> {
  for (const groupId of await listedGroups(deps)) {
    if (options.isOver()) return
    try {
      await sweepGroup(deps, groupId, options.offsetsRetentionMs)
    } catch (error) {
      deps.reportBackgroundFailure(error)
    }
  }
}

async function sweepGroup(deps: SweepDeps, groupId: string, offsetsRetentionMs: number): Promise<void> {
  await clearForgotten(deps, groupId)
  const group = await deps.groups.read(groupId)
  const blocks = await readBlocks(deps, groupId)
  if (group.version === 0 && blocks.length === 0) {
    await takeOffList(deps, groupId)
    return
  }
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
function deletion({ item, offsets: { version } }: Block): Write {
  const attribute = versionAttribute
  const seen: Condition =
    version === undefined ? { kind: 'absent', attribute } : { kind: 'equals', attribute, value: version }
  return { kind: 'delete', key: item.key, when: [seen] }
}

async function readBlocks(deps: SweepDeps, groupId: string): Promise<readonly Block[]> {
  const { pk } = deps.scope.consumerGroup(groupId).state
  const blocks: Block[] = []
  for (let after: string | undefined; ; ) {
    const page = {
      pk,
      prefix: committedPrefix,
      limit: blocksPerPage,
      ...(after === undefined ? {} : { after }),
    }
    const { items, next } = await retryRepeatable(deps, () => deps.table.query(page))
    for (const item of items) {
      blocks.push({ item, topicId: committedBlockOf(item.key.sk).topicId, offsets: parseOffsets(item) })
    }
    if (next === undefined) return blocks
    after = next
  }
}

/**
 * Of who crashed before there was more of the group than its name. First it is marked, and the mark goes when the group
 * is listed again: who is about to write the rest is not overtaken.
 */
async function takeOffList(deps: SweepDeps, groupId: string): Promise<void> {
  const key = deps.scope.consumerGroup(groupId).listed
  const item = await retryRepeatable(deps, () => deps.table.get(key))
  const since = item?.attributes[sinceAttribute]
  const nowMs = deps.clock.now()
  if (typeof since !== 'number') {
    const mark = { kind: 'set', attribute: sinceAttribute, value: nowMs } as const
    await write(deps, { kind: 'update', key, actions: [mark], when: [{ kind: 'itemExists' }] })
  } else if (nowMs - since > limits.graceMs) {
    const when = [{ kind: 'equals', attribute: sinceAttribute, value: since }] as const
    await write(deps, { kind: 'delete', key, when })
  }
}

const write = (deps: SweepDeps, one: Write) => retryRepeatable(deps, () => deps.table.write(one))
