import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { StorageError } from '../../../../shared/base/errors.ts'
import type { Table } from '../../../../shared/ports/table.ts'
import type { Clock } from '../../../../shared/ports/world.ts'
import type { StorageCall } from '../../../../shared/storage/aws/calls.ts'
import { createDynamoTable } from '../../../../shared/storage/aws/table.ts'
import { type HttpAnswer, startHttpServer } from './httpServer.ts'
import { createTestClock, middling } from './s3Store.ts'

interface Opened {
  readonly table: Table
  readonly sent: readonly Record<string, unknown>[]
  readonly clock: Clock
  readonly calls: readonly StorageCall[]
}

/** A table on a server that gives the answers, and the bodies that it was sent. */
const withAnswers = async (
  answers: readonly HttpAnswer[],
  run: (opened: Opened) => Promise<void>,
): Promise<void> => {
  const server = await startHttpServer(...answers)
  const client = new DynamoDBClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  const clock = createTestClock()
  const calls: StorageCall[] = []
  const report = (call: StorageCall): void => {
    calls.push(call)
  }
  let tokens = 0
  const random = { ...middling, bytes: (length: number) => new Uint8Array(length).fill(tokens++) }
  try {
    const table = createDynamoTable({ client, tableName: 'log', clock, random, report })
    await run({ table, sent: server.sent, clock, calls })
  } finally {
    client.destroy()
    await server.close()
  }
}

const withTable = (
  answer: HttpAnswer,
  run: (table: Table, sent: Opened['sent']) => Promise<void>,
): Promise<void> => withAnswers([answer], ({ table, sent }) => run(table, sent))

const key = { pk: 'p', sk: 's' }
const add = { kind: 'update', key, actions: [{ kind: 'add', attribute: 'n', value: 1 }] } as const
const keyValues = { pk: { S: 'p' }, sk: { S: 's' } }

const failure = (type: string, rest: object = {}) => ({
  status: 400,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'no', ...rest },
})

const ok = { status: 200, body: {} }
const throttled = failure('ProvisionedThroughputExceededException')
const conflict = failure('TransactionConflictException')
const inProgress = failure('TransactionInProgressException')
const serverError = { ...failure('InternalServerError'), status: 500 }
const refused = failure('TransactionCanceledException', {
  CancellationReasons: [{ Code: 'ConditionalCheckFailed' }, { Code: 'TransactionConflict' }],
})
const met = failure('TransactionCanceledException', {
  CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
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
  assert.deepEqual(await write(throttled), ['StorageError', 'none', true])
  assert.deepEqual(await write(failure('ValidationException')), ['StorageError', 'none', false])
  assert.deepEqual(await write(failure('TransactionConflictException')), ['StorageError', 'none', false])
  assert.deepEqual(await write({ ...failure('InternalServerError'), status: 500 }), [
    'StorageError',
    'unknown',
    false,
  ])
  assert.deepEqual(await write('reset'), ['StorageError', 'unknown', false])
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
  const table = createDynamoTable({ client, tableName: 'log', clock: createTestClock(), random: middling })
  await assert.rejects(table.write(add), { name: 'StorageError', effect: 'none' })
  client.destroy()
})

test('reads are strongly consistent', async () => {
  await withTable({ status: 200, body: { Items: [] } }, async (table, sent) => {
    await table.get(key)
    await table.query({ pk: 'p', after: 's', descending: true, limit: 5 })
    const counted = { ReturnConsumedCapacity: 'TOTAL' }
    assert.deepEqual(sent[0], { TableName: 'log', Key: keyValues, ConsistentRead: true, ...counted })
    assert.deepEqual(sent[1], {
      TableName: 'log',
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: 'p' } },
      ExclusiveStartKey: keyValues,
      ConsistentRead: true,
      Limit: 5,
      ScanIndexForward: false,
      ...counted,
    })
  })
})

test('a stored number that is no safe integer is refused when it is read', async () => {
  const item = { ...keyValues, n: { N: '9007199254740993' } }
  await withTable({ status: 200, body: { Item: item } }, async (table) => {
    await assert.rejects(table.get(key), /the attribute n/)
  })
})

test('what certainly had no effect and passes is sent again, an increment too', async () => {
  await withAnswers([throttled, conflict, throttled, ok], async ({ table, sent }) => {
    assert.deepEqual(await table.write(add), { ok: true, updated: {} })
    assert.equal(sent.length, 4)
    assert.deepEqual(new Set(sent.map((body) => JSON.stringify(body))).size, 1)
  })
  await withAnswers([throttled, throttled, ok], async ({ table, sent }) => {
    assert.equal(await table.get(key), undefined)
    assert.equal(sent.length, 3)
  })
})

test('a throttled table is asked for a second, with more and more time between', async () => {
  await withAnswers([throttled], async ({ table, sent, clock }) => {
    await assert.rejects(table.write(add), { name: 'StorageError', effect: 'none', throttled: true })
    assert.ok(clock.now() > 400 && clock.now() <= 1000, `${clock.now()} ms`)
    assert.ok(sent.length >= 5 && sent.length <= 10, `${sent.length} requests`)
  })
})

test('an increment whose answer was lost is sent once', async () => {
  for (const lost of ['reset', serverError] as const) {
    await withAnswers([lost, ok], async ({ table, sent }) => {
      await assert.rejects(table.write(add), { name: 'StorageError', effect: 'unknown' })
      assert.equal(sent.length, 1)
    })
  }
})

test('a transaction is sent again under its token, however it failed; the next one has another token', async () => {
  await withAnswers(['reset', inProgress, serverError, met, throttled, ok], async ({ table, sent }) => {
    assert.deepEqual(await table.transact([add]), { ok: true })
    assert.deepEqual(await table.transact([add]), { ok: true })
    const tokens = sent.map(({ ClientRequestToken: token }) => token)
    assert.equal(tokens.length, 7)
    assert.deepEqual(tokens, [...Array(6).fill('00'.repeat(16)), '01'.repeat(16)])
  })
})

test('a transaction whose answer was lost and that is refused then had no effect', async () => {
  await withAnswers(['reset', refused], async ({ table }) => {
    const failed = [{ index: 0, current: undefined }]
    assert.deepEqual(await table.transact([add]), { ok: false, failed })
  })
})

test('a transaction whose answer was lost stays unknown, whatever else fails', async () => {
  for (const rest of ['reset', throttled, met, failure('ValidationException')] as const) {
    await withAnswers(['reset', rest], async ({ table }) => {
      await assert.rejects(table.transact([add]), { name: 'StorageError', effect: 'unknown' })
    })
  }
})

test('the capacity that a call consumed is reported', async () => {
  const consumed = (units: object | object[]) => ({ status: 200, body: { ConsumedCapacity: units } })
  const one = { TableName: 'log', CapacityUnits: 1.5 }
  await withAnswers([throttled, consumed(one)], async ({ table, sent, calls }) => {
    await table.write(add)
    assert.equal(sent[1]?.ReturnConsumedCapacity, 'TOTAL')
    const told = calls.map(({ operation, outcome, capacityUnits }) => [operation, outcome, capacityUnits])
    assert.deepEqual(told, [
      ['UpdateItem', 'throttled', 0],
      ['UpdateItem', 'done', 1.5],
    ])
  })
  await withAnswers([consumed([one, { ...one, CapacityUnits: 4 }])], async ({ table, calls }) => {
    await table.transact([add])
    assert.deepEqual(calls[0], {
      operation: 'TransactWriteItems',
      outcome: 'done',
      durationMs: 0,
      capacityUnits: 5.5,
    })
  })
})
