// What a consumer group keeps true whatever its members do: no two of them own a partition, and soon after the last
// change every partition has its owner.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decide, noGroup } from '../../../shared/groups/decide.ts'
import { isReconciled } from '../../../shared/groups/reconcile.ts'
import type { StoredGroup } from '../../../shared/metadata/groupState.ts'
import {
  type Consumer,
  factsOf,
  groupSettings,
  hear,
  heartbeat,
  joinRequest,
  newConsumer,
  nextRequest,
  text,
} from '../../support/groupTools.ts'

const consumersMax = 5
const who = fc.nat({ max: consumersMax - 1 })
const actions = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('beat' as const), who, lost: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('beatTogether' as const), of: fc.uniqueArray(who) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), who, goodbye: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('grow' as const), topic: fc.constantFrom('t', 'u') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vanish' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1_000, 5_000, 20_000, 50_000),
    }),
  },
)
type Action = typeof actions extends fc.Arbitrary<infer T> ? T : never

/** Members 0 and 1 are static, 2 subscribes by pattern, 3 to one topic only. */
const joinOf = (index: number, life: number) =>
  joinRequest(`m${index}.${life}`, {
    ...(index === 2
      ? { subscribedTopicRegex: '[tu]' }
      : { subscribedTopicNames: index === 3 ? ['t'] : ['t', 'u'] }),
    ...(index < 2 ? { instanceId: `i${index}` } : {}),
  })

class World {
  group: StoredGroup = noGroup
  nowMs = 1_000_000
  topics: Record<string, number> = { t: 5, u: 3 }
  /** Of `u`, which comes back as another topic after it vanished. */
  topicLives = 0
  readonly seen = new Map<number, number>()
  readonly consumers = new Map<number, Consumer>()
  lives = 0

  act(action: Action): void {
    this.nowMs += 100
    if (action.kind === 'beat') this.beat([action.who], action.lost)
    if (action.kind === 'beatTogether') this.beat(action.of, false)
    if (action.kind === 'leave') this.leave(action.who, -1)
    if (action.kind === 'crash') this.consumers.delete(action.who)
    if (action.kind === 'restart') this.restart(action.who, action.goodbye)
    if (action.kind === 'grow')
      this.topics = { ...this.topics, [action.topic]: (this.topics[action.topic] ?? 0) + 1 }
    if (action.kind === 'vanish') this.vanish()
    if (action.kind === 'wait') this.nowMs += action.ms
    this.check()
  }

  vanish(): void {
    this.topics = { t: this.topics.t ?? 1 }
    this.topicLives++
  }

  facts() {
    const facts = factsOf(this.topics, this.nowMs, this.seen)
    const reborn = [...(facts.topics ?? [])].map(
      ([name, fact]) =>
        [name, { ...fact, topicId: `${name}-${name === 'u' ? this.topicLives : 0}` }] as const,
    )
    return { ...facts, topics: new Map(reborn) }
  }

  /** Heartbeats decided together; who is not there yet joins. */
  beat(of: readonly number[], lost: boolean): void {
    const consumers = of.map((index) => this.consumer(index))
    const requests = consumers.map(nextRequest)
    const { group, answers } = decide(this.group, requests, this.facts())
    this.moveTo(group)
    for (const [i, consumer] of consumers.entries()) {
      const slot = group.members.get(consumer.memberId)?.slot
      const answer = answers[i]
      // An instance whose earlier life has not ended waits for that.
      const waits = answer instanceof Error && answer.code === 'UNRELEASED_INSTANCE_ID'
      if (!(answer instanceof Error) && slot !== undefined) this.seen.set(slot, this.nowMs)
      if (!lost && !waits) hear(consumer, answer)
    }
  }

  consumer(index: number): Consumer {
    const known = this.consumers.get(index) ?? newConsumer(joinOf(index, this.lives++))
    this.consumers.set(index, known)
    return known
  }

  leave(index: number, memberEpoch: number): void {
    const consumer = this.consumers.get(index)
    this.consumers.delete(index)
    if (!consumer || consumer.memberEpoch === 0) return
    const { instanceId } = consumer.join
    const request = heartbeat(consumer.memberId, memberEpoch, instanceId === undefined ? {} : { instanceId })
    this.moveTo(decide(this.group, [request], this.facts()).group)
  }

  restart(index: number, goodbye: boolean): void {
    if (goodbye && index < 2) this.leave(index, -2)
    this.consumers.delete(index)
    this.beat([index], false)
  }

  moveTo(group: StoredGroup): void {
    assert.ok(group.groupEpoch >= this.group.groupEpoch, 'the group epoch never goes back')
    for (const [memberId, { memberEpoch }] of group.members) {
      assert.ok(memberEpoch <= group.groupEpoch, 'no member is ahead of its group')
      const before = this.group.members.get(memberId)?.memberEpoch ?? 0
      assert.ok(
        memberEpoch >= before || memberEpoch === -2,
        `${memberId} goes back from ${before} to ${memberEpoch}`,
      )
    }
    this.group = group
  }

  /** By the group's state, and by what the consumers that the group still knows believe. */
  check(): void {
    const owners = new Map<string, string>()
    for (const { memberId, assigned, revoking } of this.group.members.values()) {
      for (const [topicId, list] of [...assigned, ...revoking]) {
        for (const partition of list) {
          const other = owners.get(`${topicId}-${partition}`)
          assert.equal(other, undefined, `${topicId}-${partition} has owners ${other} and ${memberId}`)
          owners.set(`${topicId}-${partition}`, memberId)
        }
      }
    }
    const believers = new Set<string>()
    for (const { memberId, owned } of this.consumers.values()) {
      if (!this.group.members.has(memberId)) continue
      for (const partition of text(owned)) {
        // Of the topic that vanished and of the one that has its name now, different consumers may own the same number.
        if (this.topicLives > 0 && partition.startsWith('u')) continue
        assert.ok(!believers.has(partition), `two consumers own ${partition}`)
        believers.add(partition)
      }
    }
  }

  isStable(): boolean {
    return [...this.group.members.values()].every((member) =>
      isReconciled(member, this.group.target.get(member.memberId) ?? new Map(), this.group.groupEpoch),
    )
  }
}

/** Rounds of heartbeats that may be needed: to learn what to give up, to say so, to be fenced and begin again. */
const roundsMax = 5

test('partitions have one owner whatever members do, and all have one soon after the last change', () => {
  fc.assert(
    fc.property(
      fc.array(actions, { maxLength: 40 }),
      fc.uniqueArray(who, { minLength: 1 }),
      (done, staying) => {
        const world = new World()
        for (const action of done) world.act(action)
        for (const index of [...world.consumers.keys()])
          if (!staying.includes(index)) world.consumers.delete(index)
        // Sessions of the crashed end while the others go on.
        for (let waited = 0; waited <= groupSettings.sessionTimeoutMs; waited += 5_000) {
          world.nowMs += 5_000
          world.beat(staying, false)
          world.check()
        }
        for (let round = 0; round < roundsMax; round++)
          for (const index of staying) world.beat([index], false)
        assert.deepEqual([...world.group.members.keys()].length, staying.length)
        assert.ok(world.isStable(), 'the group is stable')
        const owned = [...world.consumers.values()].flatMap((consumer) => text(consumer.owned)).sort()
        const readsU = staying.some((index) => index !== 3) && world.topics.u !== undefined
        const all = Object.entries({ t: world.topics.t ?? 0, u: readsU ? (world.topics.u ?? 0) : 0 }).flatMap(
          ([topicName, count]) => Array.from({ length: count }, (_, partition) => ({ topicName, partition })),
        )
        assert.deepEqual(owned, text(all), 'every partition is owned once')
        const before = world.group
        world.beat(staying, false)
        assert.equal(world.group, before, 'a heartbeat in a stable group changes nothing')
      },
    ),
    { numRuns: 500 },
  )
})
