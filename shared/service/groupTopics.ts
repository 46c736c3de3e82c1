// Topics as groups ask for them: by name, or all of them where somebody subscribes by a pattern. Remembered for a short
// while, also that a topic does not exist, so that heartbeats read no topic items.

import { createLimiter } from '../base/concurrency.ts'
import type { FindTopics } from '../groups/groupTopics.ts'
import type { TopicFact, TopicFacts } from '../groups/subscriptions.ts'
import type { TopicItem } from '../metadata/topicItem.ts'
import type { Clock } from '../ports/world.ts'
import type { Catalog } from '../topics/catalog.ts'
import { isInternalTopic } from '../topics/names.ts'

interface Remembered<T> {
  readonly value: T
  readonly untilMs: number
}

const namesRemembered = 10_000
const readsAtOnce = 16
/** More names than this are found in the list of all topics, which comes 1 MB at a time. */
const namesLookedUp = 100

export function createFindTopics(catalog: Catalog, clock: Clock, maxAgeMs: number): FindTopics {
  const byName = new Map<string, Remembered<TopicFact | undefined>>()
  let listed: Remembered<TopicFacts> | undefined
  const limiter = createLimiter(readsAtOnce)

  const find = async (name: string, fresh: boolean): Promise<TopicFact | undefined> => {
    const known = byName.get(name)
    if (!fresh && known && clock.now() < known.untilMs) return known.value
    const untilMs = clock.now() + maxAgeMs
    const item = await limiter(() => catalog.get(name))
    const value = item && factOf(item)
    byName.delete(name)
    byName.set(name, { value, untilMs })
    for (const oldest of byName.keys()) {
      if (byName.size <= namesRemembered) break
      byName.delete(oldest)
    }
    return value
  }

  const list = async (fresh: boolean): Promise<TopicFacts> => {
    if (!fresh && listed && clock.now() < listed.untilMs) return listed.value
    const untilMs = clock.now() + maxAgeMs
    // As Kafka's exclude.internal.topics: a pattern means what people made.
    const topics = (await catalog.list()).filter(({ name }) => !isInternalTopic(name))
    listed = { value: new Map(topics.map((topic) => [topic.name, factOf(topic)])), untilMs }
    return listed.value
  }

  return async ({ names, all }, fresh) => {
    if (all || names.size > namesLookedUp) return list(fresh)
    const found = await Promise.all([...names].map(async (name) => ({ name, fact: await find(name, fresh) })))
    return new Map(found.flatMap(({ name, fact }) => (fact ? [[name, fact] as const] : [])))
  }
}

const factOf = ({ topicId, partitionCount }: TopicItem): TopicFact => ({ topicId, partitionCount })
