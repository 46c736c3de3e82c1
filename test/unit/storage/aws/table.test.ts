import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { StorageError } from '../../../../shared/base/errors.ts'
import type { Table } from '../../../../shared/ports/table.ts'
import { createDynamoTable } from '../../../../shared/storage/aws/table.ts'
import { startHttpServer } from './httpServer.ts'

/** A table on a server that answers every request alike, and the bodies that it was sent. */
const withTable = async (
  answer: { readonly status: number; readonly body: object } | 'reset',
  run: (table: Table, sent: Record<string, unknown>[]) => Promise<void>,
): Promise<void> => {
  const server = await startHttpServer(answer)
  const client = new DynamoDBClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  try {
    await run(createDynamoTable({ client, tableName: 'log' }), server.sent)
  } finally {
    client.destroy()
    await server.close()
  }
}

const key = { pk: 'p', sk: 's' }
const add = { kind: 'update', key, actions: [{ kind: 'add', attribute: 'n', value: 1 }] } as const
const keyValues = { pk: { S: 'p' }, sk: { S: 's' } }

const failure = (type: string, rest: object = {}) => ({
  status: 400,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'no', ...rest },
})

test('a transaction is sent as one TransactWriteItems with every kind of write', async () => {
  await withTable({ status: 200, body: {} }, async (table, sent) => {
    const outcome = await table.transact([
      { kind: 'put', key, attributes: { a: 'x' }, when: [{ kind: 'itemAbsent' }] },
      { ...add, key: { pk: 'p', sk: 't' } },
      { kind: 'delete', key: { pk: 'p', sk: 'u' } },
      { kind: 'check', key: { pk: 'p', sk: 'v' }, when: [{ kind: 'equals', attribute: 'epoch', value: 4 }] },
    ])
    assert.deepEqual(outcome, { ok: true })
    const common = { TableName: 'log', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }
    assert.deepEqual(sent[0]?.TransactItems, [
      {
        Put: {
          ...common,
          ConditionExpression: 'attribute_not_exists(pk)',
          Item: { ...keyValues, a: { S: 'x' } },
        },
      },
      {
        Update: {
          ...common,
          Key: { pk: { S: 'p' }, sk: { S: 't' } },
          UpdateExpression: 'SET #a0 = if_not_exists(#a0, :zero) + :v1',
          ExpressionAttributeNames: { '#a0': 'n' },
          ExpressionAttributeValues: { ':zero': { N: '0' }, ':v1': { N: '1' } },
        },
      },
      { Delete: { ...common, Key: { pk: { S: 'p' }, sk: { S: 'u' } } } },
      {
        ConditionCheck: {
          ...common,
          Key: { pk: { S: 'p' }, sk: { S: 'v' } },
          ConditionExpression: '#a0 = :v0',
          ExpressionAttributeNames: { '#a0': 'epoch' },
          ExpressionAttributeValues: { ':v0': { N: '4' } },
        },
      },
    ])
  })
})

test('a cancelled transaction names the writes that refused, with their items', async () => {
  const reasons = [
    { Code: 'None' },
    { Code: 'ConditionalCheckFailed', Item: { ...keyValues, n: { N: '5' } } },
    { Code: 'ConditionalCheckFailed' },
  ]
  const cancelled = failure('TransactionCanceledException', { CancellationReasons: reasons })
  await withTable(cancelled, async (table) => {
    const failed = [
      { index: 1, current: { key, attributes: { n: 5 } } },
      { index: 2, current: undefined },
    ]
    assert.deepEqual(await table.transact([add]), { ok: false, failed })
  })
})

const effectOf = async (
  answer: Parameters<typeof withTable>[0],
  call: (table: Table) => Promise<unknown>,
) => {
  let effect: unknown
  await withTable(answer, async (table) => {
    await assert.rejects(call(table), (error: StorageError) => {
      effect = [error.name, error.effect, error.throttled]
      return true
    })
  })
  return effect
}

test('a transaction that met another had no effect, and is throttled where DynamoDB says so', async () => {
  const cancelled = (Code: string) =>
    failure('TransactionCanceledException', { CancellationReasons: [{ Code }, { Code: 'None' }] })
  const effect = (code: string) => effectOf(cancelled(code), (table) => table.transact([add]))
  assert.deepEqual(await effect('TransactionConflict'), ['StorageError', 'none', false])
  assert.deepEqual(await effect('ThrottlingError'), ['StorageError', 'none', true])
})

test('a refused write had no effect; one answered with a 5xx or not at all may have had', async () => {
  const write = (answer: Parameters<typeof withTable>[0]) => effectOf(answer, (table) => table.write(add))
  const throttled = failure('ProvisionedThroughputExceededException')
  assert.deepEqual(await write(throttled), ['StorageError', 'none', true])
  assert.deepEqual(await write(failure('ValidationException')), ['StorageError', 'none', false])
  assert.deepEqual(await write(failure('TransactionConflictException')), ['StorageError', 'none', false])
  assert.deepEqual(await write({ ...failure('InternalServerError'), status: 500 }), [
    'StorageError',
    'unknown',
    false,
  ])
  assert.deepEqual(await write('reset'), ['StorageError', 'unknown', false])
  const inProgress = failure('TransactionInProgressException')
  const transacted = await effectOf(inProgress, (table) => table.transact([add]))
  assert.deepEqual(transacted, ['StorageError', 'unknown', false])
})

test('a read that fails had no effect', async () => {
  assert.deepEqual(await effectOf('reset', (table) => table.get(key)), ['StorageError', 'none', false])
  const query = await effectOf('reset', (table) => table.query({ pk: 'p', limit: 1 }))
  assert.deepEqual(query, ['StorageError', 'none', false])
})

test('a write that found nobody listening had no effect', async () => {
  const server = await startHttpServer('reset')
  await server.close()
  const client = new DynamoDBClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  const table = createDynamoTable({ client, tableName: 'log' })
  await assert.rejects(table.write(add), { name: 'StorageError', effect: 'none' })
  client.destroy()
})

test('reads are strongly consistent', async () => {
  await withTable({ status: 200, body: { Items: [] } }, async (table, sent) => {
    await table.get(key)
    await table.query({ pk: 'p', after: 's', descending: true, limit: 5 })
    assert.deepEqual(sent[0], { TableName: 'log', Key: keyValues, ConsistentRead: true })
    assert.deepEqual(sent[1], {
      TableName: 'log',
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: 'p' } },
      ExclusiveStartKey: keyValues,
      ConsistentRead: true,
      Limit: 5,
      ScanIndexForward: false,
    })
  })
})

test('a stored number that is no safe integer is refused when it is read', async () => {
  const item = { ...keyValues, n: { N: '9007199254740993' } }
  await withTable({ status: 200, body: { Item: item } }, async (table) => {
    await assert.rejects(table.get(key), /the attribute n/)
  })
})
