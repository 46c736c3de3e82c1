// The simulation of consumer groups in the test run: seeds that are always run, and that every checker finds what it is
// for, in histories made by hand and on an engine whose table is broken on purpose.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noPartitions } from '../../shared/groups/assignments.ts'
import { noGroup } from '../../shared/groups/decide.ts'
import type { Assignment, StoredGroup, StoredMember } from '../../shared/metadata/groupState.ts'
import type { Condition, Item, ItemKey, Table, TransactWrite, Write } from '../../shared/ports/table.ts'
import { checkGroups } from './checkers/groups.ts'
import type { StoredLog } from './checkers/storedLog.ts'
import {
  type CommitOp,
  type FetchOffsetsOp,
  type GroupHistory,
  type Holding,
  newGroupHistory,
  noteDelivered,
  type OffsetChange,
  type ResetOp,
} from './groups/history.ts'
import { checkStored, newSuccession } from './groups/stored.ts'
import { simulate } from './simulate.ts'

const fixedSeeds = Array.from({ length: 100 }, (_, i) => i + 1)
const steps = 800

test('the fixed seeds of groups run without a violation', async () => {
  for (const seed of fixedSeeds) {
    const { violations } = await simulate({ seed, steps, groups: true })
    assert.deepEqual(violations, [], `again: npm run sim -- --groups --seed ${seed} --steps ${steps}`)
  }
})

test('the same seed of groups is the same run', async () => {
  const [first, second] = [
    await simulate({ seed: 3, steps, groups: true }),
    await simulate({ seed: 3, steps, groups: true }),
  ]
  assert.equal(second.traceHash, first.traceHash)
})

/** A violation in one of a few runs. */
async function expectFound(
  spoilTable: (table: Table) => Table,
  pattern: RegExp,
  seedsMax = 40,
): Promise<void> {
  const found: string[] = []
  for (let seed = 1; seed <= seedsMax; seed++) {
    const { violations } = await simulate({ seed, steps, groups: true, spoilTable })
    found.push(...violations.slice(0, 20))
    if (violations.some((violation) => pattern.test(violation))) return
  }
  assert.fail(`${pattern} is not among ${found.length} violations: ${found.slice(0, 5).join('; ')}`)
}

const isOffsets = ({ sk }: ItemKey): boolean => sk.startsWith('offsets/')
const isAlive = ({ sk }: ItemKey): boolean => sk.startsWith('alive/')
const isState = ({ pk, sk }: ItemKey): boolean => pk.includes('/group/') && sk === 'state'

const withWrites = (table: Table, change: (write: Write) => Write | undefined): Table => ({
  ...table,
  async write(write) {
    const changed = change(write)
    return changed ? table.write(changed) : { ok: true, updated: {} }
  },
})

const without = (write: Write, isDropped: (condition: Condition) => boolean): Write =>
  write.when ? { ...write, when: write.when.filter((one) => !isDropped(one)) } : write

test('a table that writes a group over another one is found', () =>
  expectFound(
    (table) => withWrites(table, (write) => (isState(write.key) ? without(write, () => true) : write)),
    /version .* follows|went to|was given/,
  ))

test('a table that lets late commits move an offset back is found', () =>
  expectFound(
    (table) =>
      withWrites(table, (write) =>
        isOffsets(write.key)
          ? without(write, (one) => 'attribute' in one && one.attribute.startsWith('c'))
          : write,
      ),
    /by a write that had not seen that/,
  ))

test('a table that forgets who was heard of is found', () =>
  expectFound(
    (table) => withWrites(table, (write) => (isAlive(write.key) ? undefined : write)),
    /was given .* held it|owners/,
  ))

test('a table that loses every third commit is found', () => {
  let count = 0
  const loses = (write: Write) => isOffsets(write.key) && ++count % 3 === 0
  return expectFound(
    (table) => withWrites(table, (write) => (loses(write) ? undefined : write)),
    /was acknowledged and never stored/,
  )
})

test('a table that shows offsets of the past is found', () =>
  expectFound((table) => withOld(table, isOffsets), /was read as/))

test('a group that cannot change any more is found', () => {
  const counts = new Map<string, number>()
  const isTooMany = (one: TransactWrite) => {
    if (one.kind !== 'put' || !isState(one.key)) return false
    const count = (counts.get(one.key.pk) ?? 0) + 1
    counts.set(one.key.pk, count)
    return count > 3
  }
  return expectFound(
    (table) => ({
      ...withWrites(table, (write) => (isTooMany(write) ? undefined : write)),
      transact: async (writes) => (writes.some(isTooMany) ? { ok: true } : table.transact(writes)),
    }),
    /not stable|owners/,
  )
})

test('what is left of a group is found', () =>
  expectFound(
    (table) => ({
      ...table,
      transact: (writes) =>
        table.transact(writes.filter((one) => one.kind !== 'delete' || !isOffsets(one.key))),
    }),
    /is left of/,
  ))

/** Every third read of such an item is as it was when it was last read. */
function withOld(table: Table, isSuch: (key: ItemKey) => boolean): Table {
  const read = new Map<string, Item | undefined>()
  let count = 0
  return {
    ...table,
    async get(key) {
      if (!isSuch(key)) return table.get(key)
      const name = `${key.pk} ${key.sk}`
      if (++count % 3 === 0 && read.has(name)) return read.get(name)
      const item = await table.get(key)
      read.set(name, item)
      return item
    },
  }
}

const forever = Number.POSITIVE_INFINITY
const place = { topicName: 't', partition: 0 }

const holding = (member: string, from: number, to: number, heardMs: number): Holding => ({
  ...{ ...place, groupId: 'g', member, memberId: member, from, fromMs: from, to, heardMs, sureMs: 100 },
})

const takeOver = (
  member: string,
  memberEpoch: number,
  [invoked, ended]: Span,
  offset?: number,
): FetchOffsetsOp => ({
  ...{ kind: 'fetchOffsets', groupId: 'g', member, memberEpoch, places: [place], invoked, ended },
  answer: new Map(offset === undefined ? [] : [['t-0', offset]]),
})

const commit = (member: string, memberEpoch: number, [invoked, ended]: Span, offset: number): CommitOp => ({
  ...{ kind: 'commit', groupId: 'g', member, memberEpoch, invoked, ended, isRefused: false, isLate: false },
  ...{ offsets: new Map([['t-0', offset]]), acked: new Set(['t-0']) },
})

const change = (
  at: number,
  before: number | undefined,
  after: number | undefined,
  more: Partial<OffsetChange> = {},
) => ({
  ...{ groupId: 'g', topicId: 'id', place: 't-0', at, atMs: at, before, after },
  ...{ commitTimestamp: at, byStranger: false, isExact: false, ...more },
})

type Span = readonly [number, number]

const log: StoredLog = {
  ...{ topicName: 't', topicId: 'id', partition: 0, bornAt: 0, diedAt: forever, logStartOffset: 1 },
  records: ['a', 'b', 'c'].map((id) => ({ id, timestamp: 0 })),
}

function check(parts: Partial<GroupHistory>, delivered: readonly number[] = [1, 2]): readonly string[] {
  const history = { ...newGroupHistory(), ...parts }
  for (const offset of delivered) noteDelivered(history, 'g', place, offset)
  return checkGroups({ history, isSteady: () => true, reads: new Map([['g', new Set(['t'])]]) }, [log])
}

function expectOne(problems: readonly string[], pattern: RegExp): void {
  assert.equal(problems.length, 1, problems.join('; '))
  assert.match(problems[0] ?? '', pattern)
}

test('a history of a group in which all is well passes', () => {
  const reset: ResetOp = {
    ...{
      kind: 'reset',
      groupId: 'g',
      invoked: 60,
      ended: 70,
      isRefused: false,
      answer: new Map([['t-0', 1]]),
    },
  }
  const good = {
    holdings: [holding('a', 1, 20, 15), holding('b', 21, forever, 30), holding('c', 140, forever, 150)],
    ops: [
      takeOver('a', 1, [2, 3]),
      commit('a', 1, [4, 6], 1),
      takeOver('b', 2, [22, 24], 1),
      commit('a', 1, [23, 26], 2),
      reset,
    ],
    changes: [
      change(5, undefined, 1),
      change(25, 1, 2),
      change(65, 2, 1, { isExact: true, byStranger: true }),
    ],
  }
  assert.deepEqual(check(good), [])
})

test('a partition that is given to two is found, and one whose owner was silent for long is not', () => {
  const two = (heardMs: number) =>
    check({ holdings: [holding('a', 1, forever, heardMs), holding('b', 120, forever, 121)] })
  expectOne(two(50), /b was given t-0 while a/)
  assert.deepEqual(two(20), [])
  const timedOut = new Map([['a', [110]]])
  const put = { holdings: [holding('a', 1, forever, 50), holding('b', 120, forever, 121)], timedOut }
  assert.deepEqual(check(put), [])
})

test('a zombie’s commit after the next owner has taken over is found', () => {
  const ops = [takeOver('b', 2, [2, 3]), commit('a', 1, [4, 6], 1)]
  expectOne(check({ ops, changes: [change(5, undefined, 1)] }), /a committed t-0 at epoch 1 after b/)
})

test('a commit that was acknowledged and not stored, and a read of something else, are found', () => {
  expectOne(
    check({ ops: [commit('a', 1, [4, 6], 1)] }),
    /commit of t-0 to 1 was acknowledged and never stored/,
  )
  const stored = [change(5, undefined, 1)]
  expectOne(check({ ops: [takeOver('a', 1, [6, 7])], changes: stored }), /t-0 was read as nothing, not 1/)
  expectOne(check({ ops: [takeOver('a', 1, [3, 4], 1)], changes: stored }), /t-0 was read as 1, not nothing/)
})

test('an offset that goes back or away by itself is found', () => {
  const stored = change(5, undefined, 2)
  const isBack = (more: Partial<OffsetChange>, ops: GroupHistory['ops']) =>
    check({ ops, changes: [stored, change(9, 2, 1, more)] })
  const asked = commit('a', 1, [8, 10], 1)
  assert.deepEqual(isBack({ isExact: true }, [asked]), [])
  expectOne(isBack({ isExact: true }, []), /went from 2 to 1 and nobody had asked/)
  expectOne(
    isBack({ isExact: true }, [
      commit('a', 1, [4, 8.5], 2),
      { ...asked, invoked: 3, ended: 4, acked: new Set() },
    ]),
    /nobody had asked/,
  )
  expectOne(isBack({}, [asked]), /by a write that had not seen that/)
  expectOne(check({ changes: [stored, change(9, 2, undefined)] }), /went from 2 to nothing/)
})

test('a record that no member had is found, unless somebody made the group go over it', () => {
  expectOne(check({}, [1]), /offset 2 of t-0 was never delivered/)
  assert.deepEqual(check({ changes: [change(5, 2, 3, { byStranger: true })] }, [1]), [])
  expectOne(check({ changes: [change(5, 2, 3)] }, [1]), /offset 2 of t-0 was never delivered/)
})

const member = (memberId: string, memberEpoch: number, assigned: Assignment): StoredMember => ({
  ...{ memberId, slot: 0, instanceId: undefined, rackId: undefined, clientId: '', clientHost: '' },
  ...{ subscribedTopicNames: ['t'], subscribedTopicRegex: undefined, assignor: undefined },
  ...{ rebalanceTimeoutMs: 1, sessionTimeoutMs: 1, seenAtMs: 0, memberEpoch, previousMemberEpoch: 0 },
  ...{ assigned, revoking: noPartitions, revokingSinceMs: undefined },
})

const group = (version: number, groupEpoch: number, ...members: readonly StoredMember[]): StoredGroup => ({
  ...{ ...noGroup, version, groupEpoch, topics: new Map([['id', { name: 't', partitionCount: 2 }]]) },
  members: new Map(members.map((one) => [one.memberId, one])),
  target: new Map(members.map((one) => [one.memberId, one.assigned])),
})

test('a stored group with two owners, an epoch that does not grow or a partition of nobody is found', () => {
  const owning = (...partitions: readonly number[]): Assignment => new Map([['id', partitions]])
  const whole = group(1, 2, member('a', 2, owning(0, 1)))
  const after = (next: StoredGroup) => {
    const succession = newSuccession()
    assert.deepEqual(checkStored(undefined, whole, succession), [])
    return checkStored(whole, next, succession)
  }
  assert.deepEqual(after(group(2, 3, member('b', 3, owning(0, 1)))), [])
  const two = group(2, 2, member('a', 2, owning(0, 1)), member('b', 2, owning(1)))
  assert.match(after(two).join(), /id-1 is a's and b's/)
  assert.match(
    after(group(2, 2, member('b', 2, owning(0, 1)))).join(),
    /id-0 went to b at epoch 2, from a at 2/,
  )
  expectOne(after(group(1, 3, member('b', 3, owning(0, 1)))), /version 1 follows 1/)
  expectOne(after(group(2, 3, member('b', 3, owning(1)))), /it is settled and id-0 is nobody's/)
})
