// Resets, deletions and lags.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResetTarget } from '../../../shared/groups/planReset.ts'
import type { ResetRequest } from '../../../shared/groups/resetOffsets.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { createTopic, kafkaError, record } from '../../support/logTools.ts'
import {
  assertStored,
  at,
  createOffsetsLog,
  createProcess,
  leave,
  outcomes,
  type Process,
  settle,
} from '../../support/offsetTools.ts'

/** 't-0 5>10'. */
async function reset(
  process: Process,
  target: ResetTarget,
  more: Partial<ResetRequest> = {},
): Promise<string> {
  const request = { groupId: 'g', topics: undefined, dryRun: false, target, ...more }
  const resets = await process.resetOffsets(request)
  return resets
    .map(({ topicName, partition, before, after }) => `${topicName}-${partition} ${before ?? ''}>${after}`)
    .join(', ')
}

/** Ten records in each of two partitions, offset 5 committed in the first. */
async function createGroup() {
  const log = await createOffsetsLog(2, 10)
  await log.process.commitOffsets('g', undefined, [at(0, 5, 'metadata')])
  return log
}

test('every target puts the offset where it says, within the log', async () => {
  const { process } = await createGroup()
  const steps: readonly (readonly [ResetTarget, string])[] = [
    [{ kind: 'shift', by: 15 }, 't-0 5>10'],
    [{ kind: 'earliest' }, 't-0 10>0'],
    [{ kind: 'shift', by: -1 }, 't-0 0>0'],
    [{ kind: 'offset', offset: 7 }, 't-0 0>7'],
    [{ kind: 'current' }, 't-0 7>7'],
    [{ kind: 'offset', offset: 70 }, 't-0 7>10'],
    [{ kind: 'shift', by: -3 }, 't-0 10>7'],
    [{ kind: 'latest' }, 't-0 7>10'],
  ]
  for (const [target, expected] of steps) {
    assert.equal(await reset(process, target), expected)
    await assertStored(process, { 't-0': Number(expected.split('>')[1]) })
  }
})

test('times are looked up in the log', async () => {
  const { ports, cluster, process } = await createGroup()
  const start = ports.clock.now()
  ports.clock.advance(60_000)
  await cluster.produceRecords('t', Array(5).fill(record('later')))
  ports.clock.advance(60_000)
  assert.equal(await reset(process, { kind: 'timestamp', timestamp: 0 }), 't-0 5>0')
  assert.equal(await reset(process, { kind: 'timestamp', timestamp: start + 30_000 }), 't-0 0>10')
  assert.equal(await reset(process, { kind: 'timestamp', timestamp: start + 90_000 }), 't-0 10>15')
  assert.equal(await reset(process, { kind: 'duration', durationMs: 100_000 }), 't-0 15>10')
  assert.equal(await reset(process, { kind: 'duration', durationMs: 30_000 }), 't-0 10>15')
  assert.equal(await reset(process, { kind: 'duration', durationMs: 1e15 }), 't-0 15>0')
})

test('records that are deleted are out of range', async () => {
  const { cluster, process } = await createGroup()
  await cluster.deleteRecords('t', 0, 8)
  assert.equal(await reset(process, { kind: 'earliest' }), 't-0 5>8')
  assert.equal(await reset(process, { kind: 'offset', offset: 2 }), 't-0 8>8')
})

test('a dry run says the same and changes nothing', async () => {
  const { process } = await createGroup()
  const calls = await process.during(async () => {
    assert.equal(await reset(process, { kind: 'latest' }, { dryRun: true }), 't-0 5>10')
  })
  assert.equal(calls.tableWrites, 0)
  await assertStored(process, { 't-0': 5 })
})

test('topics are reset in whole or by partition', async () => {
  const { process } = await createGroup()
  const topics = [{ topicName: 't' }]
  assert.equal(await reset(process, { kind: 'current' }, { topics }), 't-0 5>5, t-1 >10')
  const one = [{ topicName: 't', partitions: [1] }]
  assert.equal(await reset(process, { kind: 'earliest' }, { topics: one }), 't-1 10>0')
  await assertStored(process, { 't-0': 5, 't-1': 0 })
})

test('a reset that cannot be made whole is not made', async () => {
  const { process } = await createGroup()
  const refused: readonly (readonly [Partial<ResetRequest>, string])[] = [
    [{ topics: [{ topicName: 't' }, { topicName: 'none' }] }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [{ topics: [{ topicName: 't', partitions: [0, 2] }] }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [{ topics: [{ topicName: 't' }], target: { kind: 'shift', by: 1 } }, 'INVALID_REQUEST'],
    [{ groupId: 'other' }, 'GROUP_ID_NOT_FOUND'],
  ]
  for (const [more, code] of refused) {
    await assert.rejects(reset(process, { kind: 'latest' }, more), kafkaError(code))
  }
  await assertStored(process, { 't-0': 5 })
})

test('a group is reset while nobody is in it', async () => {
  const { ports, process } = await createGroup()
  const member = await settle(process, 'm')
  for (const dryRun of [true, false]) {
    const refused = reset(createProcess(ports), { kind: 'latest' }, { dryRun })
    await assert.rejects(refused, kafkaError('NON_EMPTY_GROUP'))
  }
  await leave(process, member)
  assert.equal(await reset(process, { kind: 'latest' }), 't-0 5>10')
  const again = await settle(process, 'm')
  const [first] = await process.committedOffsets('g', again, undefined)
  assert.deepEqual([first?.offset, first?.metadata], [10, ''])
  assert.deepEqual(outcomes(await process.commitOffsets('g', again, [at(0, 9)])), ['t-0'])
})

test('offsets of a topic are deleted while nobody subscribes to it', async () => {
  const { cluster, process } = await createGroup()
  await createTopic(cluster, 'other')
  await process.commitOffsets('g', undefined, [at(0, 0, '', 'other')])
  const member = await settle(process, 'm')
  const deleted = await process.deleteOffsets('g', [
    at(0, 0),
    at(0, 0, '', 'other'),
    at(0, 0, '', 'none'),
    at(7, 0),
  ])
  assert.deepEqual(outcomes(deleted), [
    't-0: GROUP_SUBSCRIBED_TO_TOPIC',
    'other-0',
    'none-0: UNKNOWN_TOPIC_OR_PARTITION',
    't-7: GROUP_SUBSCRIBED_TO_TOPIC',
  ])
  await assertStored(process, { 't-0': 5 })
  await leave(process, member)
  const rest = await process.deleteOffsets('g', [at(0, 0), at(1, 0), at(7, 0)])
  assert.deepEqual(outcomes(rest), ['t-0', 't-1', 't-7: UNKNOWN_TOPIC_OR_PARTITION'])
  await assertStored(process, {})
  const again = await settle(process, 'm')
  assert.deepEqual(outcomes(await process.commitOffsets('g', again, [at(0, 1)])), ['t-0'])
})

test('of a group that there is not, nothing is deleted', async () => {
  const { process } = await createGroup()
  await assert.rejects(process.deleteOffsets('other', [at(0, 0)]), kafkaError('GROUP_ID_NOT_FOUND'))
})

test('lag is the end of the log less what is committed', async () => {
  const { cluster, process } = await createGroup()
  await process.commitOffsets('g', undefined, [at(1, 10)])
  await cluster.produceRecords('t', [record('more', 1)])
  assert.deepEqual(await process.lags('g'), [
    {
      topicName: 't',
      partition: 0,
      currentOffset: 5,
      logEndOffset: 10,
      lag: 5,
      metadata: 'metadata',
      member: undefined,
    },
    {
      topicName: 't',
      partition: 1,
      currentOffset: 10,
      logEndOffset: 11,
      lag: 1,
      metadata: '',
      member: undefined,
    },
  ])
  await assert.rejects(process.lags('other'), kafkaError('GROUP_ID_NOT_FOUND'))
  await cluster.deleteTopic('t')
  assert.deepEqual(await process.lags('g'), [])
})

test('a reset that a member comes in between of says that it is half done', async () => {
  const { ports, cluster, process: other } = await createGroup()
  await createTopic(cluster, 'u', 1)
  await other.commitOffsets('g', undefined, [{ ...at(0, 0), topicName: 'u' }])
  const scope = createScope('test')
  const { topicId } = await cluster.describeTopic('u')
  const ofU = scope.consumerGroup('g').offsets(topicId, 0)
  let hasCome = false
  const table: Table = {
    ...ports.table,
    async write(write) {
      if (write.key.sk === ofU.sk && !hasCome) {
        hasCome = true
        const member = await settle(other, 'm', 0, ['u'])
        await other.committedOffsets('g', member, [{ topicName: 'u', partition: 0 }])
      }
      return ports.table.write(write)
    },
  }
  await assert.rejects(
    reset(createProcess(ports, table), { kind: 'latest' }),
    kafkaError('REQUEST_TIMED_OUT'),
  )
  await assertStored(other, { 't-0': 10, 'u-0': 0 })
})
