// Zombies, lost answers and writes that land late: an offset goes back only where somebody who may says so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import type { GroupMember } from '../../../shared/groups/members.ts'
import type { Table, Write } from '../../../shared/ports/table.ts'
import { withFaults } from '../../support/faultyTable.ts'
import { kafkaError } from '../../support/logTools.ts'
import {
  assertStored,
  at,
  createOffsetsLog,
  createProcess,
  isOffsets,
  leave,
  offsetsOf,
  outcomes,
  settle,
  withCopies,
  withLateOffsets,
} from '../../support/offsetTools.ts'

/** More attempts than a write is given. */
const everyAttempt = 6

/** A process that remembers `a` as a member of the group, from which `a` has gone; `b` owns everything. */
async function createHandover() {
  const log = await createOffsetsLog()
  const zombie = createProcess(log.ports)
  const gone = await settle(zombie, 'a')
  await zombie.commitOffsets('g', gone, [at(0, 10)])
  const owner = await takeFrom(log.process, gone)
  return { ...log, zombie, gone, owner }
}

async function takeFrom(process: Parameters<typeof leave>[0], gone: GroupMember): Promise<GroupMember> {
  await leave(process, gone)
  return settle(process, 'b')
}

test('a commit of an owner before is refused from the take-over on, and seen where it came earlier', async () => {
  const { process, zombie, gone, owner } = await createHandover()
  assert.deepEqual(outcomes(await zombie.commitOffsets('g', gone, [at(0, 20)])), ['t-0'])
  const taken = await process.committedOffsets('g', owner, undefined)
  assert.deepEqual(offsetsOf(taken), { 't-0': 20 })
  const refused = await zombie.commitOffsets('g', gone, [at(0, 30)])
  assert.deepEqual(outcomes(refused), ['t-0: STALE_MEMBER_EPOCH'])
  const back = await zombie.commitOffsets('g', gone, [at(0, 3)])
  assert.deepEqual(outcomes(back), ['t-0: STALE_MEMBER_EPOCH'])
  await assertStored(process, { 't-0': 20 })
})

test('what an owner before commits while it is taken over from is seen or refused, never lost', async () => {
  const { ports, zombie, gone, owner } = await createHandover()
  let committed: string[] = []
  const write: Table['write'] = async (one) => {
    if (isOffsets(one) && committed.length === 0) {
      committed = outcomes(await zombie.commitOffsets('g', gone, [at(0, 25)]))
    }
    return ports.table.write(one)
  }
  const taker = createProcess(ports, { ...ports.table, write })
  assert.deepEqual(offsetsOf(await taker.committedOffsets('g', owner, undefined)), { 't-0': 25 })
  assert.deepEqual(committed, ['t-0'])
})

test('the first commit of the new owner takes over, too', async () => {
  const { process, zombie, gone, owner } = await createHandover()
  assert.deepEqual(outcomes(await process.commitOffsets('g', owner, [at(0, 15)])), ['t-0'])
  const refused = await zombie.commitOffsets('g', gone, [at(0, 30)])
  assert.deepEqual(outcomes(refused), ['t-0: STALE_MEMBER_EPOCH'])
})

test('an owner before that fetches as a member is refused and takes nothing back', async () => {
  const { process, zombie, gone, owner } = await createHandover()
  await process.committedOffsets('g', owner, [at(0, 0)])
  await assert.rejects(zombie.committedOffsets('g', gone, undefined), kafkaError('STALE_MEMBER_EPOCH'))
  assert.deepEqual(outcomes(await process.commitOffsets('g', owner, [at(0, 11)])), ['t-0'])
})

test('a take-over writes once, and only where it is not made yet', async () => {
  const { process, owner } = await createHandover()
  const fetch = () => process.committedOffsets('g', owner, [at(0, 0)])
  assert.equal((await process.during(fetch)).tableWrites, 1)
  const again = await process.during(fetch)
  assert.deepEqual([again.tableReads, again.tableWrites], [1, 0])
})

test('a take-over of what was never committed keeps the owner before away as well', async () => {
  const { ports, process } = await createOffsetsLog()
  const zombie = createProcess(ports)
  const gone = await settle(zombie, 'a')
  assert.deepEqual(await zombie.committedOffsets('g', gone, undefined), [])
  const owner = await takeFrom(process, gone)
  assert.deepEqual(await process.committedOffsets('g', owner, undefined), [])
  const refused = await zombie.commitOffsets('g', gone, [at(0, 5)])
  assert.deepEqual(outcomes(refused), ['t-0: STALE_MEMBER_EPOCH'])
  await assertStored(process, {})
})

test('a commit that lands late moves no offset back', async () => {
  const { ports, process } = await createOffsetsLog()
  const member = await settle(process, 'm')
  await process.commitOffsets('g', member, [at(0, 5)])
  const late = withLateOffsets(ports.table, everyAttempt)
  const lost = await createProcess(ports, late.table).commitOffsets('g', member, [at(0, 10)])
  assert.deepEqual(outcomes(lost), ['t-0: REQUEST_TIMED_OUT'])
  await process.commitOffsets('g', member, [at(0, 20)])
  assert.equal(await late.land(), everyAttempt)
  await assertStored(process, { 't-0': 20 })
})

test('a first commit that lands late moves no offset back either', async () => {
  const { ports, process } = await createOffsetsLog()
  const member = await settle(process, 'm')
  const copied = withCopies(ports.table)
  await createProcess(ports, copied.table).commitOffsets('g', member, [at(0, 5)])
  await process.commitOffsets('g', member, [at(0, 9)])
  assert.equal(await copied.land(), 2, 'what was assumed, and what the refusal taught')
  await assertStored(process, { 't-0': 9 })
})

test('a commit that goes back and lands late undoes nothing that came after it', async () => {
  const { ports, process } = await createOffsetsLog()
  const member = await settle(process, 'm')
  await process.commitOffsets('g', member, [at(0, 20)])
  // Its copies are held back, then it is carried out; the offset comes to stand where it stood before.
  const held: Write[] = []
  const write: Table['write'] = (one) => {
    if (isOffsets(one)) held.push(one)
    return ports.table.write(one)
  }
  const back = await createProcess(ports, { ...ports.table, write }).commitOffsets('g', member, [at(0, 5)])
  assert.deepEqual(outcomes(back), ['t-0'])
  for (const offset of [20, 30]) {
    await process.commitOffsets('g', member, [at(0, offset)])
    for (const copy of held) await ports.table.write(copy)
    await assertStored(process, { 't-0': offset })
  }
})

test('a commit whose answer is lost is repeated, and does not undo what came in between', async () => {
  const { ports, process } = await createOffsetsLog()
  const member = await settle(process, 'm')
  await process.commitOffsets('g', member, [at(0, 1)])
  let lost = 0
  const table = withFaults(ports.table, ([one]) => {
    return one?.kind === 'update' && isOffsets(one) && lost++ === 0 ? 'lost' : undefined
  })
  assert.deepEqual(outcomes(await createProcess(ports, table).commitOffsets('g', member, [at(0, 10)])), [
    't-0',
  ])
  assert.equal(lost, 2)
  // The answer is lost, and before it is tried again the member has committed more.
  let overtaken = false
  const write: Table['write'] = async (one) => {
    if (!isOffsets(one) || overtaken) return ports.table.write(one)
    overtaken = true
    await process.commitOffsets('g', member, [at(0, 30)])
    throw new StorageError('unknown', 'no answer')
  }
  const commit = await createProcess(ports, { ...ports.table, write }).commitOffsets('g', member, [at(0, 20)])
  assert.deepEqual(outcomes(commit), ['t-0: REQUEST_TIMED_OUT'])
  await assertStored(process, { 't-0': 30 })
})

test('a storage that does not answer refuses the partition and says whether it may have happened', async () => {
  const { ports } = await createOffsetsLog()
  for (const [fault, code] of [
    ['dropped', 'REQUEST_TIMED_OUT'],
    ['refused', 'KAFKA_STORAGE_ERROR'],
  ] as const) {
    const table = withFaults(ports.table, ([one]) => {
      return one?.kind === 'update' && isOffsets(one) ? fault : undefined
    })
    const commit = await createProcess(ports, table).commitOffsets('g', undefined, [at(0, 10)])
    assert.deepEqual(outcomes(commit), [`t-0: ${code}`])
  }
})

test('a commit without a member that lands late does not undo a reset, nor what a member did', async () => {
  const { ports, process } = await createOffsetsLog()
  const commit = (offset: number) => process.commitOffsets('g', undefined, [at(0, offset)])
  await commit(5)
  const late = withLateOffsets(ports.table, everyAttempt)
  const lost = await createProcess(ports, late.table).commitOffsets('g', undefined, [at(0, 10)])
  assert.deepEqual(outcomes(lost), ['t-0: REQUEST_TIMED_OUT'])
  await commit(20)
  await late.land()
  await assertStored(process, { 't-0': 20 })
  const target = { kind: 'offset', offset: 5 } as const
  await process.resetOffsets({ groupId: 'g', topics: undefined, target, dryRun: false })
  await late.land()
  await assertStored(process, { 't-0': 5 })
  const member = await settle(process, 'm')
  await process.committedOffsets('g', member, undefined)
  await late.land()
  await assertStored(process, { 't-0': 5 })
})

test('a commit without a member is refused when somebody joins and takes over before it is written', async () => {
  const { ports, process } = await createOffsetsLog()
  await process.commitOffsets('g', undefined, [at(0, 5)])
  let joined = false
  const write: Table['write'] = async (one) => {
    if (isOffsets(one) && !joined) {
      joined = true
      await process.committedOffsets('g', await settle(process, 'm'), undefined)
    }
    return ports.table.write(one)
  }
  const commit = await createProcess(ports, { ...ports.table, write }).commitOffsets('g', undefined, [
    at(0, 9),
  ])
  assert.deepEqual(outcomes(commit), ['t-0: UNKNOWN_MEMBER_ID'])
  await assertStored(process, { 't-0': 5 })
})

test('a commit of a former member that lands after a reset does not undo it', async () => {
  const { ports, process } = await createOffsetsLog()
  const member = await settle(process, 'm')
  await process.commitOffsets('g', member, [at(0, 5)])
  const late = withLateOffsets(ports.table, everyAttempt)
  await createProcess(ports, late.table).commitOffsets('g', member, [at(0, 40)])
  await leave(process, member)
  await process.resetOffsets({ groupId: 'g', topics: undefined, target: { kind: 'earliest' }, dryRun: false })
  await late.land()
  await assertStored(process, { 't-0': 0 })
})

test('a first commit that lands late does not bring a deleted offset back', async () => {
  const { ports, process } = await createOffsetsLog()
  const member = await settle(process, 'm')
  await process.committedOffsets('g', member, undefined)
  const held: Write[] = []
  const write: Table['write'] = (one) => {
    if (isOffsets(one)) held.push(one)
    return ports.table.write(one)
  }
  await createProcess(ports, { ...ports.table, write }).commitOffsets('g', member, [at(0, 40)])
  assert.equal(held.length, 2, 'what was assumed, and what the refusal taught')
  await leave(process, member)
  assert.deepEqual(outcomes(await process.deleteOffsets('g', [at(0, 0)])), ['t-0'])
  for (const copy of held) await ports.table.write(copy)
  await assertStored(process, {})
})
