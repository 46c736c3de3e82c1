// Commits, and who may make them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTopic, kafkaError, virtualPorts } from '../../support/logTools.ts'
import {
  assertStored,
  at,
  createOffsetsLog,
  createProcess,
  leave,
  offsetsOf,
  outcomes,
  settle,
} from '../../support/offsetTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

test('what a member commits is what everybody reads', async () => {
  const { ports, process } = await createOffsetsLog(3)
  const member = await settle(process, 'm')
  const commits = [at(1, 7, 'm-1'), { ...at(0, 5), leaderEpoch: 3 }]
  assert.deepEqual(outcomes(await process.commitOffsets('g', member, commits)), ['t-1', 't-0'])
  const expected = [
    { ...at(0, 5), leaderEpoch: 3, commitTimestamp: ports.clock.now() },
    { ...at(1, 7, 'm-1'), commitTimestamp: ports.clock.now() },
  ]
  assert.deepEqual(await process.committedOffsets('g', undefined, undefined), expected)
  assert.deepEqual(await createProcess(ports).committedOffsets('g', member, undefined), expected)
  const some = [at(2, 0), at(1, 0), at(9, 0), at(0, 0, '', 'none')]
  assert.deepEqual(await process.committedOffsets('g', undefined, some), expected.slice(1))
  assert.deepEqual(await process.committedOffsets('other', undefined, undefined), [])
})

test('a commit costs one write and no read where the process knows group and log', async () => {
  const { process } = await createOffsetsLog(64)
  const member = await settle(process, 'm')
  const commit = (offset: number) => {
    const offsets = Array.from({ length: 64 }, (_, partition) => at(partition, offset))
    return process.commitOffsets('g', member, offsets)
  }
  await commit(50)
  assert.deepEqual(await process.during(() => commit(50)), {
    puts: 0,
    objectReads: 0,
    tableReads: 0,
    tableWrites: 1,
  })
})

test('a partition that is refused leaves the others alone', async () => {
  const { process } = await createOffsetsLog(2)
  const member = await settle(process, 'm')
  const asked = [at(0, 51), at(1, 50), at(2, 1), at(0, 1, '', 'none'), at(-1, 1), at(0.5, 1)]
  assert.deepEqual(outcomes(await process.commitOffsets('g', member, asked)), [
    't-0: OFFSET_OUT_OF_RANGE',
    't-1',
    't-2: UNKNOWN_TOPIC_OR_PARTITION',
    'none-0: UNKNOWN_TOPIC_OR_PARTITION',
    't--1: UNKNOWN_TOPIC_OR_PARTITION',
    't-0.5: UNKNOWN_TOPIC_OR_PARTITION',
  ])
  await assertStored(process, { 't-1': 50 })
})

test('an offset is refused beyond the end of the log and nowhere else', async () => {
  const { cluster, process } = await createOffsetsLog(1, 3)
  const commit = async (offset: number) =>
    outcomes(await process.commitOffsets('g', undefined, [at(0, offset)])).join()
  for (const offset of [4, -1, Number.MAX_SAFE_INTEGER, 1.5]) {
    assert.equal(await commit(offset), 't-0: OFFSET_OUT_OF_RANGE', String(offset))
  }
  await assertStored(process, {})
  assert.equal(await commit(3), 't-0')
  await cluster.produceRecords('t', [{ partition: 0, key: null, value: null, headers: [] }])
  assert.equal(await commit(4), 't-0', 'the log is read anew where it is not known to reach that far')
})

test('metadata has at most 4,096 bytes, whatever its characters', async () => {
  const { process } = await createOffsetsLog(3)
  const fits = 'é'.repeat(2048)
  const commits = [at(0, 1, fits), at(1, 1, `${fits}a`), at(2, 1, 'a'.repeat(4097))]
  assert.deepEqual(outcomes(await process.commitOffsets('g', undefined, commits)), [
    't-0',
    't-1: OFFSET_METADATA_TOO_LARGE',
    't-2: OFFSET_METADATA_TOO_LARGE',
  ])
  const [stored, ...others] = await process.committedOffsets('g', undefined, undefined)
  assert.equal(stored?.metadata, fits)
  assert.deepEqual(others, [])
})

test('64 partitions with the longest metadata fit an item', async () => {
  const { process } = await createOffsetsLog(64, 1)
  const commits = Array.from({ length: 64 }, (_, partition) => at(partition, 1, 'x'.repeat(4096)))
  const refused = (await process.commitOffsets('g', undefined, commits)).filter(({ error }) => error)
  assert.deepEqual(refused, [])
})

test('of a partition that is named twice the last offset counts', async () => {
  const { process } = await createOffsetsLog()
  const commit = process.commitOffsets('g', undefined, [at(0, 9), at(0, 3)])
  assert.deepEqual(outcomes(await commit), ['t-0', 't-0'])
  await assertStored(process, { 't-0': 3 })
})

test('a member at another epoch, and whoever is no member, changes nothing', async () => {
  const { ports, process } = await createOffsetsLog()
  const member = await settle(process, 'm')
  for (const committer of [process, createProcess(ports)]) {
    for (const difference of [-1, 1]) {
      const stale = { ...member, memberEpoch: member.memberEpoch + difference }
      const commit = committer.commitOffsets('g', stale, [at(0, 1)])
      await assert.rejects(commit, kafkaError('STALE_MEMBER_EPOCH'))
      await assert.rejects(
        committer.committedOffsets('g', stale, undefined),
        kafkaError('STALE_MEMBER_EPOCH'),
      )
    }
    const stranger = { memberId: 'x', memberEpoch: member.memberEpoch }
    await assert.rejects(committer.commitOffsets('g', stranger, [at(0, 1)]), kafkaError('UNKNOWN_MEMBER_ID'))
    await assert.rejects(committer.commitOffsets('g', undefined, [at(0, 1)]), kafkaError('UNKNOWN_MEMBER_ID'))
  }
  await assertStored(process, {})
})

test('a member that joined by another process is known at once', async () => {
  const { ports, process } = await createOffsetsLog()
  const first = await settle(process, 'a')
  await process.commitOffsets('g', first, [at(0, 1)])
  await leave(createProcess(ports), first)
  const second = await settle(createProcess(ports), 'b')
  assert.deepEqual(outcomes(await process.commitOffsets('g', second, [at(0, 2)])), ['t-0'])
})

test('many who are no members commit their partitions side by side', async () => {
  const { ports, process } = await createOffsetsLog(24, 1)
  const commits = Array.from({ length: 24 }, (_, partition) =>
    createProcess(ports).commitOffsets('g', undefined, [at(partition, 1)]),
  )
  const refused = (await Promise.all(commits)).flat().filter(({ error }) => error)
  assert.deepEqual(refused, [])
  assert.equal((await process.committedOffsets('g', undefined, undefined)).length, 24)
})

test('a group id is 1 to 255 bytes', async () => {
  const { process } = await createOffsetsLog()
  for (const groupId of ['', 'é'.repeat(128)]) {
    const rejected = [
      process.commitOffsets(groupId, undefined, []),
      process.committedOffsets(groupId, undefined, undefined),
      process.deleteOffsets(groupId, []),
      process.resetOffsets({ groupId, topics: undefined, target: { kind: 'latest' }, dryRun: true }),
      process.lags(groupId),
    ]
    for (const one of rejected) await assert.rejects(one, kafkaError('INVALID_GROUP_ID'))
  }
})

test('a member commits the partitions that it owns and no others', async () => {
  const { process } = await createOffsetsLog(2)
  const first = await settle(process, 'a')
  const second = await settle(process, 'b')
  const now = await settle(process, 'a', first.memberEpoch)
  await settle(process, 'b', second.memberEpoch)
  const commits = [at(0, 1), at(1, 1)]
  const ofFirst = outcomes(await process.commitOffsets('g', now, commits))
  assert.deepEqual(ofFirst, ['t-0', 't-1: STALE_MEMBER_EPOCH'])
})

test('a commit goes back where the member says so', async () => {
  const { process } = await createOffsetsLog()
  const member = await settle(process, 'm')
  for (const offset of [20, 5, 5, 6, 0]) {
    assert.deepEqual(outcomes(await process.commitOffsets('g', member, [at(0, offset)])), ['t-0'])
    await assertStored(process, { 't-0': offset })
  }
})

test('without a member offsets are committed while nobody is in the group', async () => {
  const { process } = await createOffsetsLog()
  const commit = async (offset: number) => process.commitOffsets('g', undefined, [at(0, offset)])
  assert.deepEqual(outcomes(await commit(9)), ['t-0'])
  assert.deepEqual(outcomes(await commit(4)), ['t-0'])
  const member = await settle(process, 'm')
  await assert.rejects(commit(5), kafkaError('UNKNOWN_MEMBER_ID'))
  assert.deepEqual(offsetsOf(await process.committedOffsets('g', member, undefined)), { 't-0': 4 })
  await process.commitOffsets('g', member, [at(0, 7)])
  await leave(process, member)
  assert.deepEqual(outcomes(await commit(2)), ['t-0'])
  await assertStored(process, { 't-0': 2 })
})

test('offsets of a deleted topic are gone, also when it is made again', async () => {
  const { ports, cluster } = await createOffsetsLog(1, 5)
  const before = createProcess(ports)
  await before.commitOffsets('g', undefined, [at(0, 5)])
  await cluster.deleteTopic('t')
  await assertStored(createProcess(ports), {})
  const refused = await createProcess(ports).commitOffsets('g', undefined, [at(0, 5)])
  assert.deepEqual(outcomes(refused), ['t-0: UNKNOWN_TOPIC_OR_PARTITION'])
  await createTopic(cluster, 't')
  await assertStored(createProcess(ports), {})
  // It still remembers the old topic, whose log it knew to reach 5.
  ports.clock.advance(5_000)
  assert.deepEqual(outcomes(await before.commitOffsets('g', undefined, [at(0, 5)])), [
    't-0: OFFSET_OUT_OF_RANGE',
  ])
  assert.deepEqual(outcomes(await before.commitOffsets('g', undefined, [at(0, 0)])), ['t-0'])
  await assertStored(before, { 't-0': 0 })
})

test('a commit of a topic that was made again finds the new one, where it has to look', async () => {
  const { ports, cluster, process } = await createOffsetsLog(1, 5)
  await process.commitOffsets('g', undefined, [at(0, 0)])
  await cluster.deleteTopic('t')
  await createTopic(cluster, 't')
  await cluster.produceRecords('t', Array(3).fill({ partition: 0, key: null, value: null, headers: [] }))
  assert.deepEqual(outcomes(await process.commitOffsets('g', undefined, [at(0, 3)])), ['t-0'])
  await assertStored(createProcess(ports), { 't-0': 3 })
})

test('a process that remembers a topic that was made again since finds what is committed of the new one', async () => {
  const { ports, cluster, process: behind } = await createOffsetsLog(1, 5)
  await behind.commitOffsets('g', undefined, [at(0, 5)])
  await cluster.deleteTopic('t')
  await createTopic(cluster, 't')
  await cluster.produceRecords('t', Array(3).fill({ partition: 0, key: null, value: null, headers: [] }))
  const elsewhere = createProcess(ports)
  await elsewhere.commitOffsets('g', undefined, [at(0, 3)])
  const member = await settle(elsewhere, 'm')
  const again = createProcess(ports)
  await again.commitOffsets('other', undefined, [at(0, 3)])
  for (const process of [behind, again]) {
    assert.deepEqual(offsetsOf(await process.committedOffsets('g', member, [at(0, 0)])), { 't-0': 3 })
    await assertStored(process, { 't-0': 3 })
  }
})

test('10,000 partitions are committed in one call, 64 to a write', async () => {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports)
  const names = Array.from({ length: 10 }, (_, i) => `topic-${i}`)
  for (const name of names) await createTopic(cluster, name, 1000)
  const process = createProcess(ports)
  const member = await settle(process, 'm', 0, names)
  const offsets = names.flatMap((name) => Array.from({ length: 1000 }, (_, i) => at(i, 0, '', name)))
  const commit = async () => {
    const refused = (await process.commitOffsets('g', member, offsets)).filter(({ error }) => error)
    assert.deepEqual(refused, [])
  }
  await commit()
  ports.clock.advance(10)
  const { tableReads, tableWrites } = await process.during(commit)
  assert.deepEqual({ tableReads, tableWrites }, { tableReads: 0, tableWrites: 10 * Math.ceil(1000 / 64) })
  const read = await process.committedOffsets('g', undefined, undefined)
  assert.equal(read.length, 10_000)
})
