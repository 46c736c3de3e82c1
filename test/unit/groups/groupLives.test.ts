// A group that is removed and made again: nothing of a life before comes back, whenever it lands, and nobody of a later
// one is kept away by it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { kafkaError } from '../../support/logTools.ts'
import {
  assertStored,
  at,
  createOffsetsLog,
  createProcess,
  isOffsets,
  leave,
  outcomes,
  type Process,
  settle,
  withCopies,
} from '../../support/offsetTools.ts'

const { listed, state } = createScope('test').consumerGroup('g')

async function createWorld() {
  const log = await createOffsetsLog(80)
  const copied = withCopies(log.ports.table, ({ key }) => key.pk === state.pk)
  const late = createProcess(log.ports, copied.table)
  const items = async () => {
    const { items } = await log.ports.table.query({ pk: state.pk, limit: 100 })
    return items.map(({ key }) => key.sk).filter((sk) => !sk.startsWith('alive/'))
  }
  const groupIds = async () => (await log.process.listGroups()).map(({ groupId }) => groupId)
  const life = async () => (await log.ports.table.get(listed))?.attributes
  return { ...log, late, land: copied.land, items, groupIds, life }
}

/** A life of the group with a member and a commit of its own. */
async function live(process: Process, memberId: string, offset: number) {
  const member = await settle(process, memberId)
  await process.committedOffsets('g', member, undefined)
  assert.deepEqual(outcomes(await process.commitOffsets('g', member, [at(0, offset)])), ['t-0'])
  return member
}

test('what lands after the removal of its group makes neither group nor offsets', async () => {
  const { process, late, land, items, groupIds } = await createWorld()
  await leave(late, await live(late, 'm', 5))
  await late.commitOffsets('g', undefined, [at(70, 7)])
  await process.deleteGroup('g')
  assert.ok((await land()) > 5)
  assert.deepEqual(await items(), [])
  assert.deepEqual(await groupIds(), [])
})

test('what lands in a later life changes nothing of it', async () => {
  const { ports, process, late, land } = await createWorld()
  await leave(late, await live(late, 'm', 40))
  await late.commitOffsets('g', undefined, [at(1, 40), at(70, 40)])
  await late.commitOffsets('g', undefined, [at(1, 30)])
  await process.deleteOffsets('g', [at(70, 0)])
  await process.deleteGroup('g')
  const member = await settle(process, 'other')
  await process.commitOffsets('g', member, [at(2, 3)])
  const before = await ports.table.query({ pk: state.pk, prefix: 'offsets/', limit: 10 })
  const group = await ports.table.get(state)
  await land()
  assert.deepEqual(await ports.table.query({ pk: state.pk, prefix: 'offsets/', limit: 10 }), before)
  assert.deepEqual(await ports.table.get(state), group)
  await assertStored(process, { 't-2': 3 })
})

test('epochs go on from those of the life before, also over one without members', async () => {
  const { process, life } = await createWorld()
  const first = await live(process, 'a', 5)
  await leave(process, first)
  await process.deleteGroup('g')
  await process.commitOffsets('g', undefined, [at(0, 9)])
  await process.deleteGroup('g')
  assert.equal((await life())?.n, 2)
  const again = await live(process, 'b', 1)
  assert.ok(again.memberEpoch > first.memberEpoch + 1, `${first.memberEpoch} to ${again.memberEpoch}`)
  assert.equal((await life())?.n, 3)
  await assertStored(process, { 't-0': 1 })
})

test('who remembers a member of a life before takes over and commits nothing', async () => {
  const { ports, process, life } = await createWorld()
  const zombie = createProcess(ports)
  const gone = await settle(zombie, 'a')
  await leave(process, gone)
  await process.deleteGroup('g')
  const lost = kafkaError('UNKNOWN_MEMBER_ID')
  await assert.rejects(zombie.committedOffsets('g', gone, [at(0, 0)]), lost)
  assert.deepEqual(outcomes(await zombie.commitOffsets('g', gone, [at(0, 9)])), ['t-0: UNKNOWN_MEMBER_ID'])
  assert.notEqual((await life())?.gone, undefined, 'nobody began another life')
  const member = await live(process, 'b', 1)
  for (const partition of [0, 1, 70]) {
    const refused = outcomes(await zombie.commitOffsets('g', gone, [at(partition, 9)]))
    assert.deepEqual(refused, [`t-${partition}: STALE_MEMBER_EPOCH`])
  }
  await process.commitOffsets('g', member, [at(0, 2)])
  await assertStored(process, { 't-0': 2 })
})

test('an offset that is committed while its group is removed goes with it, or is of the next life', async () => {
  const { ports, process, groupIds, items } = await createWorld()
  await process.commitOffsets('g', undefined, [at(0, 5)])
  let commits = 1
  const transact: Table['transact'] = async (writes) => {
    // Between the list of what there is and the removal of it.
    if (commits-- > 0) await process.commitOffsets('g', undefined, [at(70, 9)])
    return ports.table.transact(writes)
  }
  const remover = createProcess(ports, { ...ports.table, transact })
  await remover.deleteGroup('g')
  assert.ok(commits < 0, 'tried again')
  assert.deepEqual([await items(), await groupIds()], [[], []])
})

test('a removal whose answer is lost is one, also when the group lives again by then', async () => {
  const { ports, process } = await createWorld()
  await process.commitOffsets('g', undefined, [at(0, 5)])
  let lost = 0
  const transact: Table['transact'] = async (writes) => {
    const outcome = await ports.table.transact(writes)
    if (lost++ > 0) return outcome
    await process.commitOffsets('g', undefined, [at(0, 6)])
    return ports.table.transact(writes)
  }
  await createProcess(ports, { ...ports.table, transact }).deleteGroup('g')
  assert.equal(lost, 1)
  await assertStored(process, { 't-0': 6 })
})

test('a member that commits where its group has offsets reads nothing and writes once', async () => {
  const { process } = await createWorld()
  const member = await live(process, 'm', 1)
  const calls = await process.during(() => process.commitOffsets('g', member, [at(0, 2)]))
  assert.deepEqual([calls.tableReads, calls.tableWrites], [0, 1])
  await assertStored(process, { 't-0': 2 })
})

test('offsets are made in the life whose items they are', async () => {
  const { ports, process } = await createWorld()
  const transactions: number[] = []
  const transact: Table['transact'] = (writes) => {
    if (writes.some(isOffsets)) transactions.push(writes.length)
    return ports.table.transact(writes)
  }
  const counted = createProcess(ports, { ...ports.table, transact })
  await counted.commitOffsets('g', undefined, [at(0, 1)])
  await counted.commitOffsets('g', undefined, [at(0, 2), at(1, 2)])
  assert.deepEqual(transactions, [2], 'only what makes an item is a transaction')
  await assertStored(process, { 't-0': 2, 't-1': 2 })
})
