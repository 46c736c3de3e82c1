// The writes of the catalog, as data: what creating, changing and deleting a topic puts into the table. Each is one
// transaction, so a topic and its sequencers come, grow and go together.

import { isDeepStrictEqual } from 'node:util'
import { limits } from '../base/limits.ts'
import type { Scope } from '../metadata/scope.ts'
import { groupOf, newPartition, tailAttribute, topicAttribute } from '../metadata/sequencer.ts'
import { type TopicItem, topicAttributes } from '../metadata/topicItem.ts'
import { workWrite } from '../metadata/workItem.ts'
import type { Action, Attributes, TransactWrite } from '../ports/table.ts'
import { collisionKey } from './names.ts'

/**
 * That it was never deleted is a condition because the transaction may be repeated, and may land late: after the
 * deletion it would bring back a topic that nobody asked for.
 */
export const creation = (scope: Scope, topic: TopicItem): readonly TransactWrite[] => [
  {
    kind: 'put',
    key: scope.topic(collisionKey(topic.name)),
    attributes: topicAttributes(topic),
    when: [{ kind: 'itemAbsent' }],
  },
  { kind: 'check', key: scope.deletedTopic(topic.topicId), when: [{ kind: 'itemAbsent' }] },
  ...newPartitions(scope, topic, 0, topic.partitionCount),
]

export const replacement = (scope: Scope, before: TopicItem, after: TopicItem): readonly TransactWrite[] => [
  {
    kind: 'put',
    key: scope.topic(collisionKey(before.name)),
    attributes: topicAttributes(after),
    when: unchanged(before),
  },
  ...newPartitions(scope, after, before.partitionCount, after.partitionCount),
  ...(isDeepStrictEqual(before.overrides, after.overrides) ? [] : compactorsMarks(scope, before)),
]

/** With other configs other things are due, also where nobody writes. */
const compactorsMarks = (scope: Scope, topic: TopicItem): readonly TransactWrite[] =>
  groupsOf(topic).map((group) => workWrite(scope.work(topic.topicId, group, 1), { all: true }))

/** What it leaves to the collector is written down in the same transaction. */
export function deletion(scope: Scope, topic: TopicItem): readonly TransactWrite[] {
  return [
    { kind: 'delete', key: scope.topic(collisionKey(topic.name)), when: unchanged(topic) },
    {
      kind: 'put',
      key: scope.deletedTopic(topic.topicId),
      attributes: { name: topic.name, partitions: topic.partitionCount },
    },
    ...groupsOf(topic).map((group): TransactWrite => {
      return { kind: 'delete', key: scope.sequencer(topic.topicId, group) }
    }),
  ]
}

const groupsOf = ({ partitionCount }: TopicItem): readonly number[] =>
  Array.from({ length: groupOf(partitionCount - 1) + 1 }, (_, group) => group)

const unchanged = (topic: TopicItem) =>
  [
    { kind: 'equals', attribute: 'id', value: topic.topicId },
    { kind: 'equals', attribute: 'version', value: topic.version },
  ] as const

/** Partitions [from, to): sequencers of their own, and the rest of the one that has room. */
function newPartitions(
  scope: Scope,
  { name, topicId }: TopicItem,
  from: number,
  to: number,
): readonly TransactWrite[] {
  const partitions = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
  return [...Map.groupBy(partitions, groupOf)].map(([group, some]): TransactWrite => {
    const key = scope.sequencer(topicId, group)
    const attributes: Attributes = Object.assign({}, ...some.map(newPartition))
    const isNew = some[0] === group * limits.partitionsPerSequencer
    const common = { [topicAttribute]: name, [tailAttribute]: [] }
    if (isNew) return { kind: 'put', key, attributes: { ...common, ...attributes } }
    const actions = Object.entries(attributes).map(([attribute, value]): Action => {
      return { kind: 'set', attribute, value }
    })
    return { kind: 'update', key, actions, when: [{ kind: 'itemExists' }] }
  })
}
