// The writes of the catalog, as data: what creating, changing, growing and deleting a topic puts into the table.

import { limits } from '../base/limits.ts'
import type { Scope } from '../metadata/scope.ts'
import { groupOf, newPartition, nextAttribute, tailAttribute, topicAttribute } from '../metadata/sequencer.ts'
import { type TopicItem, topicAttributes } from '../metadata/topicItem.ts'
import type { Action, Attributes, Condition, TransactWrite, Write } from '../ports/table.ts'
import { collisionKey } from './names.ts'

export const replacement = (scope: Scope, before: TopicItem, after: TopicItem): Write => ({
  kind: 'put',
  key: scope.topic(collisionKey(before.name)),
  attributes: topicAttributes(after),
  when: unchanged(before),
})

const unchanged = (topic: TopicItem) =>
  [
    { kind: 'equals', attribute: 'id', value: topic.topicId },
    { kind: 'equals', attribute: 'version', value: topic.version },
  ] as const

/** Topic and sequencers go at once; what it leaves to the collector is written down in the same transaction. */
export function deletion(scope: Scope, topic: TopicItem): readonly TransactWrite[] {
  const gone = groupsOf(topic.partitionCount).map((group): TransactWrite => {
    return { kind: 'delete', key: scope.sequencer(topic.topicId, group) }
  })
  const attributes = { name: topic.name, partitions: topic.partitionCount }
  return [
    { kind: 'delete', key: scope.topic(collisionKey(topic.name)), when: unchanged(topic) },
    { kind: 'put', key: scope.deletedTopic(topic.topicId), attributes },
    ...gone,
  ]
}

export function newSequencers(scope: Scope, { name, topicId, partitionCount }: TopicItem): readonly Write[] {
  return groupsOf(partitionCount).map((group): Write => {
    const from = group * limits.partitionsPerSequencer
    const to = Math.min(partitionCount, from + limits.partitionsPerSequencer)
    const partitions = Array.from({ length: to - from }, (_, i) => newPartition(from + i))
    const attributes: Attributes = Object.assign(
      { [topicAttribute]: name, [tailAttribute]: [] },
      ...partitions,
    )
    return { kind: 'put', key: scope.sequencer(topicId, group), attributes, when: [{ kind: 'itemAbsent' }] }
  })
}

/** Partition by partition, because an earlier attempt may have stopped anywhere: what is there stays as it is. */
export function growth(
  scope: Scope,
  { name, topicId, partitionCount: from }: TopicItem,
  to: number,
): readonly (readonly Write[])[] {
  if (to <= from) return []
  const groups = groupsOf(to).slice(groupOf(from))
  const sequencers = groups.map((group): Write => {
    const attributes = { [topicAttribute]: name, [tailAttribute]: [] }
    return { kind: 'put', key: scope.sequencer(topicId, group), attributes, when: [{ kind: 'itemAbsent' }] }
  })
  const partitions = Array.from({ length: to - from }, (_, i): Write => {
    const partition = from + i
    const actions = Object.entries(newPartition(partition)).map(([attribute, value]): Action => {
      return { kind: 'set', attribute, value }
    })
    const absent: Condition = { kind: 'absent', attribute: nextAttribute(partition) }
    const key = scope.sequencer(topicId, groupOf(partition))
    return { kind: 'update', key, actions, when: [{ kind: 'itemExists' }, absent] }
  })
  return [sequencers, partitions]
}

export const groupsOf = (partitionCount: number): readonly number[] =>
  Array.from({ length: groupOf(partitionCount - 1) + 1 }, (_, group) => group)
