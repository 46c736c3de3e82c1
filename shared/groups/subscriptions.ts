// Which topics members subscribe to: by name, by pattern, or both.

import type { StoredGroup, StoredMember } from '../metadata/groupState.ts'
import { type AssignorName, defaultAssignor } from './heartbeat.ts'
import { topicPattern } from './regex.ts'

export interface TopicFact {
  readonly topicId: string
  readonly partitionCount: number
}

/** By name. */
export type TopicFacts = ReadonlyMap<string, TopicFact>

export type Subscription = Pick<StoredMember, 'subscribedTopicNames' | 'subscribedTopicRegex'>

export interface SubscribedTopics {
  /** What the members subscribe to together. */
  readonly topics: StoredGroup['topics']
  /** Ascending topic ids of one member. */
  topicIds(subscription: Subscription): readonly string[]
}

export function resolveSubscriptions(members: Iterable<Subscription>, facts: TopicFacts): SubscribedTopics {
  const topics = new Map<string, { readonly name: string; readonly partitionCount: number }>()
  // Most members of a group say the same.
  const resolved = new Map<string, readonly string[]>()
  const topicIds = (subscription: Subscription) => {
    const key = JSON.stringify([subscription.subscribedTopicRegex, subscription.subscribedTopicNames])
    const known = resolved.get(key)
    if (known) return known
    const names = matchingNames(subscription, facts)
    const ids = names.flatMap((name) => facts.get(name)?.topicId ?? []).sort()
    resolved.set(key, ids)
    return ids
  }
  const names = new Map(
    [...facts].map(([name, { topicId, partitionCount }]) => [topicId, { name, partitionCount }]),
  )
  for (const member of members) {
    for (const topicId of topicIds(member)) {
      const topic = names.get(topicId)
      if (topic) topics.set(topicId, topic)
    }
  }
  return { topics, topicIds }
}

function matchingNames(subscription: Subscription, facts: TopicFacts): readonly string[] {
  const named = new Set(subscription.subscribedTopicNames.filter((name) => facts.has(name)))
  if (subscription.subscribedTopicRegex === undefined) return [...named]
  const matches = topicPattern(subscription.subscribedTopicRegex)
  for (const name of facts.keys()) if (matches(name)) named.add(name)
  return [...named]
}

/** The topics of a group as facts: enough for whoever subscribes to nothing new. */
export const factsOf = (topics: StoredGroup['topics']): TopicFacts =>
  new Map([...topics].map(([topicId, { name, partitionCount }]) => [name, { topicId, partitionCount }]))

/** Partitions are never taken away from a topic, so that the larger number is the later one. */
export function withLaterCounts(facts: TopicFacts, known: StoredGroup['topics']): TopicFacts {
  const later = new Map<string, TopicFact>()
  for (const [name, fact] of facts) {
    const partitionCount = Math.max(fact.partitionCount, known.get(fact.topicId)?.partitionCount ?? 0)
    later.set(name, { topicId: fact.topicId, partitionCount })
  }
  return later
}

export function sameTopics(a: StoredGroup['topics'], b: StoredGroup['topics']): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, { name, partitionCount }] of a) {
    const other = b.get(topicId)
    if (other?.name !== name || other.partitionCount !== partitionCount) return false
  }
  return true
}

/** What most members that have a wish want; where as many want the one as the other, the default. */
export function preferredAssignor(members: Iterable<StoredMember>): AssignorName {
  let forRange = 0
  for (const { assignor } of members) {
    if (assignor === 'range') forRange++
    if (assignor === 'uniform') forRange--
  }
  return forRange > 0 ? 'range' : defaultAssignor
}
