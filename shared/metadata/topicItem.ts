// The topic item. Attributes (names are stored): name, id (topic id), partitions, configs (the overrides, JSON),
// version (grows with every change, so that two changes never both go on from the same state).

import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

export interface TopicItem {
  readonly name: string
  readonly topicId: string
  readonly partitionCount: number
  readonly overrides: Readonly<Record<string, string>>
  readonly version: number
}

export function topicAttributes(topic: TopicItem): Attributes {
  return {
    name: topic.name,
    id: topic.topicId,
    partitions: topic.partitionCount,
    configs: JSON.stringify(topic.overrides),
    version: topic.version,
  }
}

export function parseTopicItem(item: Item): TopicItem {
  const { name, id, partitions, configs, version } = item.attributes
  invariant(typeof name === 'string' && typeof id === 'string', 'a topic item has name and id')
  invariant(typeof partitions === 'number' && typeof version === 'number', 'a topic item has its numbers')
  invariant(typeof configs === 'string', 'a topic item has configs')
  const overrides: Readonly<Record<string, string>> = JSON.parse(configs)
  return { name, topicId: id, partitionCount: partitions, overrides, version }
}
