import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../shared/base/errors.ts'
import { groupAttributes, parseGroupItem } from '../../../shared/metadata/groupItem.ts'
import type { Assignment, StoredGroup, StoredMember } from '../../../shared/metadata/groupState.ts'

const topicId = (n: number): string => Buffer.alloc(16, n).toString('base64url')

const member: StoredMember = {
  memberId: 'm',
  slot: 0,
  instanceId: undefined,
  rackId: undefined,
  clientId: 'c',
  clientHost: 'h',
  subscribedTopicNames: ['t', 'u'],
  subscribedTopicRegex: undefined,
  assignor: undefined,
  rebalanceTimeoutMs: 60_000,
  sessionTimeoutMs: 45_000,
  seenAtMs: 1_700_000_000_000,
  memberEpoch: 3,
  previousMemberEpoch: 2,
  assigned: new Map(),
  revoking: new Map(),
  revokingSinceMs: undefined,
}

const groupOf = (members: readonly StoredMember[], more: Partial<StoredGroup> = {}): StoredGroup => ({
  version: 7,
  groupEpoch: 3,
  topics: new Map([
    [topicId(1), { name: 't', partitionCount: 6 }],
    [topicId(2), { name: 'u', partitionCount: 300 }],
  ]),
  target: new Map(members.map(({ memberId, assigned }) => [memberId, assigned])),
  members: new Map(members.map((one) => [one.memberId, one])),
  emptySinceMs: undefined,
  ...more,
})

const key = { pk: 'p', sk: 'state' }
const roundTrip = (group: StoredGroup): StoredGroup =>
  parseGroupItem({ key, attributes: groupAttributes(group) })

const bytesOf = (group: StoredGroup): Uint8Array => {
  const { g } = groupAttributes(group)
  assert.ok(g instanceof Uint8Array)
  return g
}

/** A member with what it is to have, and one with everything else that there is. */
const example = groupOf(
  [
    { ...member, assigned: new Map([[topicId(1), [0, 1, 2]]]) },
    {
      ...member,
      memberId: 'n',
      slot: 1,
      instanceId: 'i',
      rackId: 'r',
      subscribedTopicRegex: 'u.*',
      subscribedTopicNames: [],
      assignor: 'range',
      seenAtMs: 1_700_000_000_005,
      memberEpoch: -2,
      assigned: new Map([[topicId(2), [0, 255, 256]]]),
      revoking: new Map([[topicId(3), [9]]]),
      revokingSinceMs: 1_700_000_000_003,
    },
  ],
  {
    target: new Map([
      ['m', new Map([[topicId(1), [0, 1, 2]]])],
      ['n', new Map([[topicId(2), [0, 256]]])],
    ]),
  },
)

const golden = [
  // Version, group epoch, not empty, base of times.
  '01 03 01 80a0abfef962',
  // Texts: m, c, h, n, i, r, range, t, u, u.*
  '0a 016d 0163 0168 016e 0169 0172 0572616e6765 0174 0175 03752e2a',
  `03 ${'01'.repeat(16)} ${'02'.repeat(16)} ${'03'.repeat(16)}`,
  // Topics, subscriptions.
  '02 0706 08ac02',
  '02 00020708 0a00',
  // Members: ids, client and subscription, timeouts, last seen, epochs; target, assigned, revoking.
  '02',
  '0000 000000 010200 e0d403 c8df02 00 06 04',
  '01 00 01 0003, 00, 00',
  '0301 050607 010201 e0d403 c8df02 0a 03 04',
  '01 01 02 0001 ff0101, 01 01 01 02 0001 fe0102, 01 02 01 0901 06',
].join('')

test('a group is stored as it always was', () => {
  assert.equal(Buffer.from(bytesOf(example)).toString('hex'), golden.replaceAll(/[ ,]/g, ''))
  assert.deepEqual(roundTrip(example), example)
})

const assignments: fc.Arbitrary<Assignment> = fc
  .uniqueArray(
    fc.tuple(
      fc.nat({ max: 5 }).map(topicId),
      fc.uniqueArray(fc.nat({ max: 1_535 }), { minLength: 1 }).map((list) => list.sort((a, b) => a - b)),
    ),
    { selector: ([id]) => id },
  )
  .map((entries) => new Map(entries))

const texts = fc.string({ unit: 'grapheme', maxLength: 20 })
const times = fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 })
const members: fc.Arbitrary<StoredMember> = fc
  .record({
    memberId: texts,
    slot: fc.nat({ max: 999 }),
    instanceId: fc.option(texts, { nil: undefined }),
    rackId: fc.option(texts, { nil: undefined }),
    clientId: texts,
    clientHost: texts,
    subscribedTopicNames: fc.array(texts),
    subscribedTopicRegex: fc.option(texts, { nil: undefined }),
    assignor: fc.option(texts, { nil: undefined }),
    rebalanceTimeoutMs: fc.nat(),
    sessionTimeoutMs: fc.nat(),
    seenAtMs: times,
    memberEpoch: fc.integer({ min: -2 }),
    previousMemberEpoch: fc.integer({ min: -2 }),
    assigned: assignments,
    revoking: assignments,
    revokingSinceMs: times,
  })
  .map((one) => ({ ...one, revokingSinceMs: one.revoking.size > 0 ? one.revokingSinceMs : undefined }))

test('what is stored is what is read', () => {
  const groups = fc.record({
    of: fc.uniqueArray(fc.tuple(members, assignments), {
      selector: ([{ memberId }]) => memberId,
      maxLength: 8,
    }),
    groupEpoch: fc.nat(),
    emptySinceMs: fc.option(times, { nil: undefined }),
  })
  fc.assert(
    fc.property(groups, ({ of, ...more }) => {
      const target = new Map(of.map(([{ memberId }, assignment]) => [memberId, assignment]))
      const group = groupOf(
        of.map(([one]) => one),
        { ...more, target },
      )
      assert.deepEqual(roundTrip(group), group)
    }),
  )
})

test('damaged bytes are refused by name', () => {
  const bytes = bytesOf(example)
  const read = (g: Uint8Array) => () => parseGroupItem({ key, attributes: { v: 1, g } })
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(read(bytes.subarray(0, length)), KafkaError, `the first ${length} bytes`)
  }
  assert.throws(read(Buffer.concat([bytes, Buffer.alloc(1)])), /trailing/)
  assert.throws(read(Buffer.concat([Buffer.from([2]), bytes.subarray(1)])), /version 2/)
})

/** 1,000 members of 10 topics with 1,000 partitions, dealt out by `deal`: partition to number of the member. */
function largeGroup(
  deal: (topic: number, partition: number) => { readonly from: number; readonly to: number },
) {
  const ids = Array.from({ length: 10 }, (_, n) => topicId(n))
  const target = Array.from({ length: 1_000 }, () => new Map<string, number[]>())
  const revoking = Array.from({ length: 1_000 }, () => new Map<string, number[]>())
  const give = (to: Map<string, number[]> | undefined, id: string, partition: number) => {
    to?.set(id, [...(to.get(id) ?? []), partition])
  }
  for (const [topic, id] of ids.entries()) {
    for (let partition = 0; partition < 1_000; partition++) {
      const { from, to } = deal(topic, partition)
      give(target[to], id, partition)
      if (from !== to) give(revoking[from], id, partition)
    }
  }
  const names = ids.map((_, n) => `a-topic-with-a-name-of-the-usual-length-${n}`)
  const all = target.map(
    (_, n): StoredMember => ({
      ...member,
      memberId: `8ae4bf26-6d4e-4e8b-9d27-${String(n).padStart(12, '0')}`,
      slot: n,
      instanceId: `checkout-service-${n}.checkout.svc.cluster.local`,
      clientId: `checkout-service-${n}`,
      clientHost: `/10.20.${n >> 8}.${n & 255}`,
      subscribedTopicNames: names,
      seenAtMs: member.seenAtMs + n * 1_000,
      assigned: revoking[n]?.size === 0 ? (target[n] ?? new Map()) : new Map(),
      revoking: revoking[n] ?? new Map(),
      revokingSinceMs: revoking[n]?.size === 0 ? undefined : member.seenAtMs + n * 1_000,
    }),
  )
  return groupOf(all, {
    topics: new Map(ids.map((id, n) => [id, { name: names[n] ?? '', partitionCount: 1_000 }])),
    target: new Map(all.map(({ memberId }, n) => [memberId, target[n] ?? new Map()])),
  })
}

test('1,000 members with 10,000 partitions fit a table item, even while each partition moves', (t) => {
  const neighbours = largeGroup((topic, partition) => {
    const to = topic * 100 + Math.floor(partition / 10)
    return { from: to, to }
  })
  const scattered = largeGroup((topic, partition) => ({
    from: (partition * 7 + topic * 31) % 1_000,
    to: (partition * 13 + topic * 17 + 1) % 1_000,
  }))
  const sizes = [neighbours, scattered].map((group) => bytesOf(group).length)
  t.diagnostic(`neighbours: ${sizes[0]} bytes; each on its way elsewhere: ${sizes[1]} bytes`)
  assert.ok(Math.max(...sizes) < 390 * 1024, `${sizes} bytes`)
  assert.deepEqual(roundTrip(scattered), scattered)
})
