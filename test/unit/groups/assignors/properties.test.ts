// Kafka's invariants of assignors over random lives of a group: members come and go, change what they subscribe to,
// topics grow and vanish.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Assignor, MemberToAssign, ToAssign } from '../../../../shared/groups/assignors/assignor.ts'
import { assignors } from '../../../../shared/groups/assignors.ts'
import type { Assignment } from '../../../../shared/metadata/groupState.ts'
import { member, topicsOf } from './tools.ts'

type Step =
  | { readonly kind: 'join'; readonly id: number; readonly topics: readonly string[] }
  | { readonly kind: 'leave'; readonly id: number }
  | { readonly kind: 'resize'; readonly topic: string; readonly partitions: number }

interface Round extends ToAssign {
  readonly assignment: ReadonlyMap<string, Assignment>
}

const topicNames = ['t0', 't1', 't2', 't3']
const memberIds = fc.nat(11)
const resize = fc.record({
  kind: fc.constant('resize' as const),
  topic: fc.constantFrom(...topicNames),
  partitions: fc.nat(40),
})
const leave = fc.record({ kind: fc.constant('leave' as const), id: memberIds })
const joinWith = (topics: fc.Arbitrary<readonly string[]>) =>
  fc.record({ kind: fc.constant('join' as const), id: memberIds, topics })

const stepsOf = (topics: fc.Arbitrary<readonly string[]>): fc.Arbitrary<readonly Step[]> =>
  fc.array(fc.oneof({ arbitrary: joinWith(topics), weight: 3 }, leave, resize), {
    minLength: 1,
    maxLength: 25,
  })
const equalSubscriptions = stepsOf(fc.constant(topicNames))
const anySubscriptions = stepsOf(fc.subarray(topicNames))

function* live(assign: Assignor, steps: readonly Step[]): Generator<Round> {
  const sizes: Record<string, number> = { t0: 7, t1: 3, t2: 12, t3: 1 }
  const subscriptions = new Map<string, readonly string[]>()
  let assignment: ReadonlyMap<string, Assignment> = new Map()
  for (const step of steps) {
    if (step.kind === 'join') subscriptions.set(`m${step.id}`, step.topics)
    else if (step.kind === 'leave') subscriptions.delete(`m${step.id}`)
    else sizes[step.topic] = step.partitions
    const members = [...subscriptions].map(([id, topics]) => member(id, topics, assignment.get(id)))
    const toAssign = { members, topics: topicsOf(sizes) }
    assignment = assign(toAssign)
    yield { ...toAssign, assignment }
  }
}

const placesOf = (assignment: Assignment | undefined): string[] =>
  [...(assignment ?? [])].flatMap(([topicId, partitions]) =>
    partitions.map((partition) => `${topicId}:${partition}`),
  )

const loadsOf = ({ members, assignment }: Round): number[] =>
  members.map(({ memberId }) => placesOf(assignment.get(memberId)).length)

for (const [name, assign] of Object.entries(assignors)) {
  test(`${name}: every partition that is subscribed to has one owner, who subscribes to it`, () => {
    fc.assert(
      fc.property(anySubscriptions, (steps) => {
        for (const { members, topics, assignment } of live(assign, steps)) {
          assert.deepEqual([...assignment.keys()].sort(), members.map(({ memberId }) => memberId).sort())
          const owned = members.flatMap(({ memberId }) => placesOf(assignment.get(memberId)))
          const wanted = new Set(members.flatMap((one) => one.topics))
          const expected = [...wanted].flatMap((topicId) => {
            return Array.from(
              { length: topics.get(topicId)?.partitionCount ?? 0 },
              (_, at) => `${topicId}:${at}`,
            )
          })
          assert.deepEqual(owned.sort(), expected.sort())
          for (const one of members) {
            for (const [topicId, partitions] of assignment.get(one.memberId) ?? []) {
              assert.ok(one.topics.includes(topicId) && partitions.length > 0)
              assert.deepEqual(
                partitions,
                [...partitions].sort((a, b) => a - b),
              )
            }
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test(`${name}: the order in which members and topics are given makes no difference`, () => {
    fc.assert(
      fc.property(anySubscriptions, (steps) => {
        for (const { members, topics, assignment } of live(assign, steps)) {
          const turned = assign({ members: [...members].reverse(), topics: new Map([...topics].reverse()) })
          for (const [memberId, one] of assignment) {
            assert.deepEqual(placesOf(turned.get(memberId)).sort(), placesOf(one).sort())
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  test(`${name}: what is assigned stays as long as nothing changes`, () => {
    fc.assert(
      fc.property(anySubscriptions, (steps) => {
        for (const { members, topics, assignment } of live(assign, steps)) {
          const again = members.map((one) => ({
            ...one,
            previous: assignment.get(one.memberId) ?? new Map(),
          }))
          assert.deepEqual(assign({ members: again, topics }), assignment)
        }
      }),
      { numRuns: 100 },
    )
  })
}

test('uniform: equal subscriptions are balanced within one', () => {
  fc.assert(
    fc.property(equalSubscriptions, (steps) => {
      for (const round of live(assignors.uniform, steps)) {
        const loads = loadsOf(round)
        assert.ok(loads.length === 0 || Math.max(...loads) - Math.min(...loads) <= 1, String(loads))
      }
    }),
    { numRuns: 300 },
  )
})

/**
 * What members can keep at most when they end up within one of each other: each its quota, and as many of those who
 * held more as there are partitions left over one more.
 */
function mostKept(members: readonly MemberToAssign[], topics: ToAssign['topics']): number {
  const partitions = [...topics.values()].reduce((sum, { partitionCount }) => sum + partitionCount, 0)
  const quota = Math.floor(partitions / members.length)
  const held = members.map(({ previous }) => stillThere(previous, topics).length)
  const heavier = held.filter((count) => count > quota).length
  return (
    held.reduce((sum, count) => sum + Math.min(count, quota), 0) +
    Math.min(partitions % members.length, heavier)
  )
}

const stillThere = (assignment: Assignment, topics: ToAssign['topics']): string[] =>
  [...assignment].flatMap(([topicId, partitions]) => {
    const { partitionCount = 0 } = topics.get(topicId) ?? {}
    return partitions
      .filter((partition) => partition < partitionCount)
      .map((partition) => `${topicId}:${partition}`)
  })

test('uniform: with equal subscriptions as many partitions stay as can stay', () => {
  fc.assert(
    fc.property(equalSubscriptions, (steps) => {
      for (const { members, topics, assignment } of live(assignors.uniform, steps)) {
        if (members.length === 0) continue
        const kept = members.map(({ memberId, previous }) => {
          const now = new Set(placesOf(assignment.get(memberId)))
          return stillThere(previous, topics).filter((place) => now.has(place)).length
        })
        assert.equal(
          kept.reduce((sum, count) => sum + count, 0),
          mostKept(members, topics),
        )
      }
    }),
    { numRuns: 300 },
  )
})

test('uniform: nobody holds two more than somebody who could take one', () => {
  fc.assert(
    fc.property(anySubscriptions, (steps) => {
      for (const { members, assignment } of live(assignors.uniform, steps)) {
        for (const giver of members) {
          const held = assignment.get(giver.memberId) ?? new Map()
          const takers = members.filter(({ topics }) => topics.some((topicId) => held.has(topicId)))
          const least = Math.min(...takers.map(({ memberId }) => placesOf(assignment.get(memberId)).length))
          assert.ok(takers.length === 0 || placesOf(held).length - least <= 1)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('uniform: a new group of equal members holds one run each', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 200 }),
      (memberCount, partitions) => {
        const members = Array.from({ length: memberCount }, (_, at) => member(`m${at}`, ['t0']))
        for (const assignment of assignors
          .uniform({ members, topics: topicsOf({ t0: partitions }) })
          .values()) {
          for (const held of assignment.values()) {
            assert.equal((held.at(-1) ?? 0) - (held[0] ?? 0) + 1, held.length)
          }
        }
      },
    ),
    { numRuns: 100 },
  )
})
