// Commits of a whole item through the AWS SDK: what DynamoDB is asked means what it means in memory.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  assumeCommit,
  type BlockPlan,
  decideCommit,
  decideRemoval,
  decideTakeOver,
} from '../../shared/groups/planOffsetCommit.ts'
import {
  memberFence,
  parseOffsets,
  partitionsPerOffsetsItem,
  strangerFence,
} from '../../shared/metadata/offsetsItem.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { Table } from '../../shared/ports/table.ts'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createDynamoTable } from '../../shared/storage/aws/table.ts'
import { createMemoryTable } from '../../shared/storage/memory/table.ts'
import { type DynamoServer, startDynamoServer } from './dynamoServer.ts'

const tableName = 'millrace'
let server: DynamoServer
before(async () => {
  server = await startDynamoServer(tableName)
})
after(() => server.close())

const key = createScope('test').consumerGroup('g').offsets('topic', 3)
const first = 3 * partitionsPerOffsetsItem
const partitions = Array.from({ length: partitionsPerOffsetsItem }, (_, i) => first + i)
const commit = (fence: number, offset: number, isMember = true) => ({
  topicName: 't',
  fence,
  isMember,
  nowMs: 1_700_000_000_000,
  offsets: partitions.map((partition) => ({ partition, offset, leaderEpoch: 0, metadata: 'm' })),
})

/** What each write did, 'refused' or the offset of the first partition, and the item in the end. */
async function live(table: Table) {
  const results: string[] = []
  const seen = async () => parseOffsets(await table.get(key))
  const write = async ({ actions, when }: Pick<BlockPlan, 'actions' | 'when'>) => {
    const { ok } = await table.write({ kind: 'update', key, actions, when })
    const { offset = 'none' } = (await seen()).offsets.get(first) ?? {}
    results.push(ok ? String(offset) : 'refused')
  }
  await write(assumeCommit(commit(memberFence(1), 5)))
  await write(decideCommit(commit(memberFence(1), 5), await seen(), true))
  await write(assumeCommit(commit(memberFence(1), 9)))
  await write(assumeCommit(commit(memberFence(1), 8)))
  await write(decideCommit(commit(memberFence(1), 8), await seen(), true))
  await write(decideTakeOver(partitions, await seen(), 't', memberFence(2)))
  await write(assumeCommit(commit(memberFence(1), 10)))
  const overtaken = await seen()
  await write(assumeCommit(commit(memberFence(2), 10)))
  await write(decideCommit(commit(strangerFence(2), 3, false), overtaken, true))
  await write(decideCommit(commit(strangerFence(2), 3, false), await seen(), true))
  await write(decideRemoval(partitions, await seen(), strangerFence(2)))
  await write(decideCommit(commit(memberFence(3), 0), await seen(), true))
  return { results, item: await table.get(key) }
}

test('64 partitions go through every kind of write on dynalite as in memory', async () => {
  const inMemory = await live(createMemoryTable())
  const expected = ['refused', '5', '9', 'refused', '8', '8', 'refused', '10', 'refused', '3', 'none', '0']
  assert.deepEqual(inMemory.results, expected)
  const onDynamo = await live(
    createDynamoTable({ client: server.client, tableName, clock: systemClock, random: systemRandom }),
  )
  assert.deepEqual(onDynamo.results, expected)
  assert.deepEqual(parseOffsets(onDynamo.item), parseOffsets(inMemory.item))
})
