// The group's rules one by one, as KIP-848 has them: joining, giving up before getting, epochs, sessions, static
// members.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'
import { decide, noGroup } from '../../../shared/groups/decide.ts'
import type { HeartbeatRequest } from '../../../shared/groups/heartbeat.ts'
import type { StoredGroup } from '../../../shared/metadata/groupState.ts'
import {
  decideOne,
  factsOf,
  groupSettings,
  heartbeat,
  joinRequest,
  text,
  textOf,
} from '../../support/groupTools.ts'
import { kafkaError } from '../../support/logTools.ts'

const now = 1_000_000
const at = (nowMs: number, topics: Record<string, number> = { t: 4 }) => factsOf(topics, nowMs)
const owning = (...partitions: number[]) => ({
  topicPartitions: partitions.map((partition) => ({ topicName: 't', partition })),
})

const one = (group: StoredGroup, request: HeartbeatRequest, facts = at(now)) =>
  decideOne(group, request, facts)
const after = (group: StoredGroup, ...requests: HeartbeatRequest[]): StoredGroup =>
  requests.reduce((before, request) => one(before, request).group, group)

/** Member a owns t-0 to t-3 at epoch 1. */
const alone = after(noGroup, joinRequest('a'))
/** Member b has joined; a has two to give up and does not know it yet. */
const crowded = after(alone, joinRequest('b'))
/** a knows. */
const revoking = after(crowded, heartbeat('a', 1, owning(0, 1, 2, 3)))
/** Each has two, at epoch 2. */
const shared = after(revoking, heartbeat('a', 1, owning(0, 1)), heartbeat('b', 2, owning()))

const assignedTo = (group: StoredGroup, memberId: string) => textOf(group.members.get(memberId)?.assigned)

test('the first member gets everything at epoch 1', () => {
  const { group, answer } = one(noGroup, joinRequest('a'))
  assert.equal(group.groupEpoch, 1)
  assert.deepEqual(
    { ...answer, assignment: text(answer.assignment ?? []) },
    {
      memberId: 'a',
      memberEpoch: 1,
      heartbeatIntervalMs: groupSettings.heartbeatIntervalMs,
      assignment: ['t-0', 't-1', 't-2', 't-3'],
      assignmentToken: '1.4.0',
    },
  )
})

test('a partition is given to its next owner when the one before says that it has given it up', () => {
  const joined = one(alone, joinRequest('b'))
  assert.deepEqual([joined.answer.memberEpoch, joined.answer.assignment], [2, []])
  const asked = one(crowded, heartbeat('a', 1, owning(0, 1, 2, 3)))
  assert.deepEqual([asked.answer.memberEpoch, text(asked.answer.assignment ?? [])], [1, ['t-0', 't-1']])
  const waits = one(asked.group, heartbeat('b', 2, owning()))
  assert.equal(waits.group, asked.group)
  const silent = one(asked.group, heartbeat('a', 1))
  assert.equal(silent.group, asked.group, 'who does not say what it owns has given nothing up')
  assert.deepEqual(text(silent.answer.assignment ?? []), ['t-0', 't-1'], 'and is told again')
  const partly = one(asked.group, heartbeat('a', 1, owning(0, 1, 2)))
  assert.equal(partly.group, asked.group, 'all of it or nothing')
  const gaveUp = one(asked.group, heartbeat('a', 1, owning(0, 1)))
  assert.deepEqual([gaveUp.answer.memberEpoch, text(gaveUp.answer.assignment ?? [])], [2, ['t-0', 't-1']])
  const gets = one(gaveUp.group, heartbeat('b', 2, owning()))
  assert.deepEqual(text(gets.answer.assignment ?? []), ['t-2', 't-3'])
})

test('a heartbeat that says what is known changes nothing and is told nothing', () => {
  for (const request of [heartbeat('a', 2), heartbeat('a', 2, owning(0, 1))]) {
    const { group, answer } = one(shared, request, at(now + 5_000))
    assert.equal(group, shared)
    assert.deepEqual([answer.memberEpoch, answer.assignment], [2, undefined])
  }
  const { answer } = one(shared, heartbeat('a', 2, owning(0)))
  assert.deepEqual(text(answer.assignment ?? []), ['t-0', 't-1'], 'who owns less is told')
})

test('who missed an answer may come with the epoch before, and who missed more may not', () => {
  const missed = one(shared, heartbeat('a', 1, owning(0, 1)))
  assert.deepEqual([missed.answer.memberEpoch, text(missed.answer.assignment ?? [])], [2, ['t-0', 't-1']])
  assert.equal(missed.group, shared)
  const fenced = [heartbeat('a', 1, owning(0, 1, 2)), heartbeat('a', 1), heartbeat('a', 3, owning(0, 1))]
  for (const request of fenced) assert.throws(() => one(shared, request), kafkaError('FENCED_MEMBER_EPOCH'))
  assert.throws(() => one(shared, heartbeat('x', 2)), kafkaError('UNKNOWN_MEMBER_ID'))
})

test('a join repeated after a lost answer, or begun anew after a fence, ends where it was', () => {
  const again = one(alone, joinRequest('a'))
  assert.equal(again.group, alone)
  assert.equal(again.answer.assignment?.length, 4)
  const anew = one(revoking, joinRequest('a'))
  assert.deepEqual([anew.answer.memberEpoch, text(anew.answer.assignment ?? [])], [1, ['t-0', 't-1']])
  const said = one(anew.group, heartbeat('a', 1, owning(0, 1)))
  assert.equal(said.answer.memberEpoch, 2)
  const gets = one(said.group, heartbeat('b', 2, owning()))
  assert.deepEqual(text(gets.answer.assignment ?? []), ['t-2', 't-3'])
})

test('a join that comes late and finds its member at work takes nothing from it', () => {
  for (const before of [crowded, revoking]) {
    const late = one(before, joinRequest('a')).group
    assert.deepEqual(
      one(late, heartbeat('b', 2, owning())).answer.assignment,
      undefined,
      'nothing is free yet',
    )
    const goesOn = one(late, heartbeat('a', 1, owning(0, 1, 2, 3)))
    assert.deepEqual([goesOn.answer.memberEpoch, text(goesOn.answer.assignment ?? [])], [1, ['t-0', 't-1']])
    assert.deepEqual(
      after(goesOn.group, heartbeat('a', 1, owning(0, 1)), heartbeat('b', 2, owning())),
      shared,
    )
  }
})

test('a heartbeat that comes late gives nothing up that its member came to own since', () => {
  const first = one(crowded, heartbeat('b', 2, owning()))
  // Sent by b when it owned nothing, and late; the next one is answered, and b owns two.
  const late = heartbeat('b', 2, { ...owning(), assignmentToken: first.answer.assignmentToken ?? '' })
  const given = one(after(revoking, heartbeat('a', 1, owning(0, 1))), heartbeat('b', 2, owning()))
  assert.deepEqual(text(given.answer.assignment ?? []), ['t-2', 't-3'])
  const four = after(given.group, joinRequest('c'), joinRequest('d'), heartbeat('a', 2, owning(0, 1)))
  const overtaken = one(four, late)
  assert.equal(
    textOf(overtaken.group.members.get('b')?.revoking).length,
    1,
    'it is asked, and has not answered',
  )
  assert.deepEqual(one(overtaken.group, heartbeat('d', 4, owning())).answer.assignment, undefined)
  const told = heartbeat('b', 2, {
    ...owning(2, 3),
    assignmentToken: given.answer.assignmentToken ?? '',
  })
  const asked = one(overtaken.group, told).answer
  const kept = text(asked.assignment ?? [])
  assert.deepEqual([asked.memberEpoch, kept.length], [2, 1])
  const gaveUp = heartbeat('b', 2, {
    topicPartitions: asked.assignment ?? [],
    assignmentToken: asked.assignmentToken ?? '',
  })
  assert.equal(one(overtaken.group, gaveUp).answer.memberEpoch, 4)
})

test('who leaves gives up everything', () => {
  const { group, answer } = one(shared, heartbeat('a', -1))
  assert.equal(answer.memberEpoch, -1)
  const next = one(group, heartbeat('b', 2, owning(2, 3)))
  assert.deepEqual([next.answer.memberEpoch, next.answer.assignment?.length], [3, 4])
  const empty = one(next.group, heartbeat('b', -1)).group
  assert.deepEqual([empty.members.size, empty.target.size, empty.emptySinceMs], [0, 0, now])
  assert.equal(empty.groupEpoch, 4)
  assert.equal(one(empty, joinRequest('a')).group.emptySinceMs, undefined)
})

test('of heartbeats that wait together all members are counted before anybody is answered', () => {
  const together = decide(noGroup, [joinRequest('a'), joinRequest('b'), heartbeat('x', 1)], at(now))
  const [a, b, x] = together.answers
  assert.equal(together.group.groupEpoch, 1, 'one target for all of them')
  assert.ok(a && b && !(a instanceof KafkaError) && !(b instanceof KafkaError))
  assert.deepEqual([a.assignment?.length, b.assignment?.length], [2, 2])
  assert.ok(x instanceof KafkaError && x.code === 'UNKNOWN_MEMBER_ID', 'a refusal is of one alone')
  const gone = decide(shared, [heartbeat('a', 2), heartbeat('a', -1)], at(now))
  assert.deepEqual(
    gone.answers.map((answer) => (answer instanceof KafkaError ? answer.code : answer.memberEpoch)),
    ['UNKNOWN_MEMBER_ID', -1],
  )
})

test('a member is gone when its session has ended and another heartbeat notices', () => {
  const beat = heartbeat('b', 2, owning(2, 3))
  const end = now + groupSettings.sessionTimeoutMs
  const notYet = one(shared, beat, at(end))
  assert.equal(notYet.group.members.size, 2)
  const noticed = one(shared, beat, at(end + 1))
  assert.deepEqual([...noticed.group.members.keys()], ['b'])
  assert.equal(noticed.answer.assignment?.length, 4)
  const slot = shared.members.get('a')?.slot ?? assert.fail()
  const heard = one(shared, beat, factsOf({ t: 4 }, end + 1, new Map([[slot, now + 5]])))
  assert.equal(heard.group.members.size, 2, 'somebody has heard of it since')
  const late = one(after(noGroup, joinRequest('a')), heartbeat('a', 1), at(end + 60_000))
  assert.equal(late.answer.memberEpoch, 1, 'late, but nobody has missed it')
})

test('a member that does not give up in time is gone', () => {
  const b = heartbeat('b', 2, owning())
  const seen = new Map([...revoking.members.values()].map(({ slot }) => [slot, now + 60_000]))
  const inTime = one(revoking, b, factsOf({ t: 4 }, now + 60_000, seen))
  assert.equal(inTime.group, revoking)
  const tooLate = one(revoking, b, factsOf({ t: 4 }, now + 60_001, seen))
  assert.deepEqual([...tooLate.group.members.keys()], ['b'])
  assert.equal(tooLate.answer.assignment?.length, 4)
  assert.throws(
    () => one(revoking, heartbeat('a', 1, owning(0, 1)), factsOf({ t: 4 }, now + 60_001, seen)),
    kafkaError('UNKNOWN_MEMBER_ID'),
  )
})

test('a static member that comes back finds its partitions, under whatever member id', () => {
  const instanceId = 'i'
  const group = after(
    noGroup,
    joinRequest('a', { instanceId }),
    joinRequest('b'),
    heartbeat('a', 1, owning(0, 1, 2, 3)),
  )
  const stable = after(group, heartbeat('a', 1, owning(0, 1)), heartbeat('b', 2, owning()))
  assert.throws(() => one(stable, joinRequest('c', { instanceId })), kafkaError('UNRELEASED_INSTANCE_ID'))
  const away = after(stable, heartbeat('a', -2, { instanceId }))
  assert.equal(away.members.get('a')?.memberEpoch, -2)
  const meanwhile = one(away, heartbeat('b', 2, owning(2, 3)), at(now + 30_000))
  assert.equal(meanwhile.group, away, 'nobody gets what waits for it')
  const back = one(away, joinRequest('c', { instanceId }), at(now + 40_000))
  assert.deepEqual([back.answer.memberEpoch, text(back.answer.assignment ?? [])], [2, ['t-0', 't-1']])
  assert.equal(back.group.groupEpoch, stable.groupEpoch)
  assert.equal(back.group.members.get('b'), stable.members.get('b'))
  const zombie = heartbeat('a', 2, { instanceId })
  assert.throws(() => one(back.group, zombie), kafkaError('FENCED_INSTANCE_ID'))
  assert.throws(() => one(back.group, heartbeat('a', -1, { instanceId })), kafkaError('FENCED_INSTANCE_ID'))
  assert.throws(() => one(back.group, heartbeat('a', 2)), kafkaError('UNKNOWN_MEMBER_ID'))
  const given = one(away, heartbeat('b', 2, owning(2, 3)), at(now + 45_001))
  assert.equal(given.answer.assignment?.length, 4, 'it stayed away for longer than its session')
})

test('what a static member that is away is not to own any more, others get at once', () => {
  const instanceId = 'i'
  const away = after(noGroup, joinRequest('a', { instanceId }), heartbeat('a', -2, { instanceId }))
  assert.equal(assignedTo(away, 'a').length, 4)
  const { answer } = one(away, joinRequest('b'))
  assert.equal(answer.assignment?.length, 2)
})

test('an instance id is not taken from a member that has another', () => {
  assert.throws(() => one(alone, joinRequest('a', { instanceId: 'i' })), kafkaError('INVALID_REQUEST'))
  const group = after(noGroup, joinRequest('a', { instanceId: 'i' }))
  assert.throws(() => one(group, heartbeat('a', 1, { instanceId: 'j' })), kafkaError('UNKNOWN_MEMBER_ID'))
})

test('a group of the largest size takes nobody else, and who is in it may begin anew', () => {
  const facts = { ...at(now), settings: { ...groupSettings, membersMax: 2 } }
  assert.throws(() => one(shared, joinRequest('c'), facts), kafkaError('GROUP_MAX_SIZE_REACHED'))
  assert.equal(one(shared, joinRequest('a'), facts).answer.memberEpoch, 2)
})

test('slots are given again when their members are gone', () => {
  const group = after(noGroup, joinRequest('a'), joinRequest('b'), heartbeat('a', -1), joinRequest('c'))
  assert.deepEqual(
    [...group.members.values()].map(({ memberId, slot }) => [memberId, slot]),
    [
      ['b', 1],
      ['c', 0],
    ],
  )
})

test('another subscription means another epoch, the same one again does not', () => {
  const facts = at(now, { t: 2, u: 2 })
  const group = one(noGroup, joinRequest('a'), facts).group
  const same = one(group, heartbeat('a', 1, { subscribedTopicNames: ['t', 't'] }), facts)
  assert.equal(same.group, group)
  const more = one(group, heartbeat('a', 1, { subscribedTopicNames: ['u', 't'] }), facts)
  assert.deepEqual([more.group.groupEpoch, more.answer.assignment?.length], [2, 4])
  const pattern = one(
    more.group,
    heartbeat('a', 2, { subscribedTopicNames: [], subscribedTopicRegex: 'u|x' }),
    facts,
  )
  assert.deepEqual(text(pattern.answer.assignment ?? []), ['u-0', 'u-1'])
  const owned = { topicPartitions: [0, 1].map((partition) => ({ topicName: 'u', partition })) }
  const none = one(pattern.group, heartbeat('a', 2, { ...owned, subscribedTopicRegex: '' }), facts)
  assert.deepEqual(none.answer.assignment, [])
})

test('topics that come, grow and go are noticed, and fewer partitions than before are old news', () => {
  const grown = one(alone, heartbeat('a', 1, owning(0, 1, 2, 3)), at(now, { t: 5 }))
  assert.deepEqual([grown.group.groupEpoch, grown.answer.assignment?.length], [2, 5])
  const old = one(grown.group, heartbeat('a', 2, owning(0, 1, 2, 3, 4)), at(now, { t: 4 }))
  assert.equal(old.group, grown.group)
  const gone = one(grown.group, heartbeat('a', 2, owning(0, 1, 2, 3, 4)), at(now, {}))
  assert.deepEqual([gone.group.groupEpoch, gone.answer.assignment], [3, []])
  const unlooked = one(grown.group, heartbeat('a', 2), { ...at(now), topics: undefined })
  assert.equal(unlooked.group, grown.group)
})

test('the assignor that most members want makes the target', () => {
  const facts = at(now, { t: 3, u: 3 })
  const both = { subscribedTopicNames: ['t', 'u'] }
  const range = { ...both, serverAssignor: 'range' }
  const targets = (group: StoredGroup) => [...group.target.values()].map((target) => textOf(target).length)
  const uniform = decide(noGroup, [joinRequest('a', both), joinRequest('b', both)], facts).group
  assert.deepEqual(targets(uniform), [3, 3])
  const outvoted = decide(uniform, [joinRequest('c', range)], facts).group
  assert.deepEqual(targets(outvoted), [2, 2, 2])
  const byRange = decide(noGroup, [joinRequest('a', range), joinRequest('b', both)], facts).group
  assert.deepEqual(targets(byRange), [4, 2])
  const changed = decide(byRange, [heartbeat('a', 1, { serverAssignor: 'uniform' })], facts).group
  assert.deepEqual([changed.groupEpoch, ...targets(changed)], [2, 3, 3])
})

test('a member that is heard of late stays by a write, so that it is not missed at the same moment', () => {
  const beat = heartbeat('a', 2, owning(0, 1))
  const inTime = now + (2 * groupSettings.sessionTimeoutMs) / 3
  assert.equal(one(shared, beat, at(inTime)).group, shared)
  for (const late of [inTime + 1, now + groupSettings.sessionTimeoutMs + 1]) {
    const { group, answer } = one(shared, beat, factsOf({ t: 4 }, late, new Map([[1, late]])))
    assert.equal(answer.memberEpoch, 2)
    assert.notEqual(group, shared)
    assert.equal(group.members.get('a')?.seenAtMs, late)
  }
})

test('a member may have a session of its own', () => {
  const group = after(noGroup, joinRequest('a', { sessionTimeoutMs: 300_000 }))
  const { group: later } = one(group, joinRequest('b'), at(now + 300_000))
  assert.deepEqual([...later.members.keys()], ['a', 'b'])
})
