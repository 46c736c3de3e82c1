// Which topics a decision has to look at, and when: where somebody joins or says what it subscribes to, else every few
// seconds. What is remembered of topics may be old, so that a change of what the group knows is looked up anew before
// anybody goes by it: two processes of which one is behind would take turns to change it back.

import type { StoredGroup } from '../metadata/groupState.ts'
import type { Clock } from '../ports/world.ts'
import { type HeartbeatRequest, joinEpoch } from './heartbeat.ts'
import { resolveSubscriptions, sameTopics, type TopicFacts, withLaterCounts } from './subscriptions.ts'

export interface WantedTopics {
  readonly names: ReadonlySet<string>
  /** There are patterns: all topics are wanted. */
  readonly all: boolean
}

/** Those that do not exist are left out. What is not `fresh` may be some seconds old. */
export type FindTopics = (wanted: WantedTopics, fresh: boolean) => Promise<TopicFacts>

export interface TopicsDeps {
  readonly clock: Clock
  readonly findTopics: FindTopics
}

/** undefined: the group need not look. */
export type TopicsForDecision = (
  group: StoredGroup,
  requests: readonly HeartbeatRequest[],
) => Promise<TopicFacts | undefined>

const checkEveryMs = 5_000

export function createTopicsForDecision({ clock, findTopics }: TopicsDeps): TopicsForDecision {
  let nextCheckMs = 0
  return async (group, requests) => {
    if (!requests.some(subscribes) && (clock.now() < nextCheckMs || group.members.size === 0))
      return undefined
    const wanted = wantedBy(group, requests)
    const facts = await findTopics(wanted, false)
    if (isNews(group, facts)) return findTopics(wanted, true)
    nextCheckMs = clock.now() + checkEveryMs
    return facts
  }
}

const subscribes = ({ memberEpoch, subscribedTopicNames, subscribedTopicRegex }: HeartbeatRequest): boolean =>
  memberEpoch === joinEpoch || subscribedTopicNames !== undefined || subscribedTopicRegex !== undefined

function wantedBy(group: StoredGroup, requests: readonly HeartbeatRequest[]): WantedTopics {
  const names = new Set<string>()
  let all = false
  for (const { subscribedTopicNames, subscribedTopicRegex } of [...group.members.values(), ...requests]) {
    for (const name of subscribedTopicNames ?? []) names.add(name)
    all ||= Boolean(subscribedTopicRegex)
  }
  return { names, all }
}

/** To those who are in the group already. */
function isNews(group: StoredGroup, facts: TopicFacts): boolean {
  const { topics } = resolveSubscriptions(group.members.values(), withLaterCounts(facts, group.topics))
  return !sameTopics(topics, group.topics)
}
