// The table port on DynamoDB: a table with a string partition key `pk` and a string sort key `sk`. Reads are
// strongly consistent. The client is the caller's, with maxAttempts 1: an increment that the SDK repeats is
// applied twice.
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { StorageError } from '../../base/errors.ts'
import type {
  Attributes,
  Item,
  ItemKey,
  Page,
  Query,
  Table,
  TransactOutcome,
  TransactWrite,
  Write,
  WriteOutcome,
} from '../../ports/table.ts'
import { checkKey, checkTransaction, checkWrite } from '../limits.ts'
import { sortKeyRange } from '../query.ts'
import { type AttributeValues, fromAttributes, fromItem, toItem, toKey } from './attributeValues.ts'
import { readFailure, writeFailure } from './errors.ts'
import { compileKeyCondition, compileWrite } from './expressions.ts'

interface TableDeps {
  readonly client: DynamoDBClient
  readonly tableName: string
}

export const createDynamoTable = ({ client, tableName }: TableDeps): Table => {
  const get = async (key: ItemKey): Promise<Item | undefined> => {
    checkKey(key)
    const command = new GetItemCommand({ TableName: tableName, Key: toKey(key), ConsistentRead: true })
    const { Item: item } = await client.send(command).catch(failRead)
    return item === undefined ? undefined : fromItem(item)
  }

  const query = async (request: Query): Promise<Page> => {
    // DynamoDB calls bounds with nothing between them an error.
    if (sortKeyRange(request) === undefined) return { items: [], next: undefined }
    const command = new QueryCommand(queryInput(tableName, request))
    const { Items: items = [], LastEvaluatedKey: last } = await client.send(command).catch(failRead)
    return { items: items.map(fromItem), next: last?.sk?.S }
  }

  const write = async (request: Write): Promise<WriteOutcome> => {
    checkWrite(request)
    try {
      const updated = await sendWrite({ client, tableName }, request)
      return { ok: true, updated: updatedOf(request, updated ?? {}) }
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw writeFailure('DynamoDB', error)
      return { ok: false, current: error.Item === undefined ? undefined : fromItem(error.Item) }
    }
  }

  const transact = async (writes: readonly TransactWrite[]): Promise<TransactOutcome> => {
    checkTransaction(writes)
    const items = writes.map((one) => transactItem(tableName, one))
    try {
      await client.send(new TransactWriteItemsCommand({ TransactItems: items }))
      return { ok: true }
    } catch (error) {
      return { ok: false, failed: failedOf(error) }
    }
  }

  return { get, query, write, transact }
}

const queryInput = (tableName: string, query: Query) => ({
  TableName: tableName,
  ...compileKeyCondition(query),
  ConsistentRead: true,
  Limit: query.limit,
  ScanIndexForward: !(query.descending ?? false),
  ...(query.after === undefined ? {} : { ExclusiveStartKey: toKey({ pk: query.pk, sk: query.after }) }),
})

const sendWrite = async (
  { client, tableName }: TableDeps,
  write: Write,
): Promise<AttributeValues | undefined> => {
  const common = { TableName: tableName, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const }
  if (write.kind === 'put') {
    const item = toItem(write.key, write.attributes)
    await client.send(new PutItemCommand({ ...common, ...compileWrite(write.when), Item: item }))
    return undefined
  }
  const keyed = { ...common, Key: toKey(write.key) }
  if (write.kind === 'delete') {
    await client.send(new DeleteItemCommand({ ...keyed, ...compileWrite(write.when) }))
    return undefined
  }
  const update = { ...keyed, ...compileWrite(write.when, write.actions), ReturnValues: returnValuesOf(write) }
  return (await client.send(new UpdateItemCommand(update))).Attributes
}

/** UPDATED_NEW tells of a list's removed elements only what now stands at their indexes. */
const returnValuesOf = ({ actions }: Write & { kind: 'update' }): 'ALL_NEW' | 'UPDATED_NEW' =>
  actions.some(({ kind }) => kind === 'removeFirst') ? 'ALL_NEW' : 'UPDATED_NEW'

const updatedOf = (write: Write, values: AttributeValues): Attributes => {
  if (write.kind !== 'update') return {}
  const named = new Set(write.actions.map(({ attribute }) => attribute))
  return fromAttributes(Object.fromEntries(Object.entries(values).filter(([name]) => named.has(name))))
}

const transactItem = (tableName: string, write: TransactWrite): TransactWriteItem => {
  const common = { TableName: tableName, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const }
  if (write.kind === 'put') {
    return { Put: { ...common, ...compileWrite(write.when), Item: toItem(write.key, write.attributes) } }
  }
  const keyed = { ...common, Key: toKey(write.key) }
  if (write.kind === 'delete') return { Delete: { ...keyed, ...compileWrite(write.when) } }
  const {
    ConditionExpression = '',
    UpdateExpression = '',
    ...placeholders
  } = compileWrite(write.when, write.kind === 'update' ? write.actions : [])
  if (write.kind === 'check') return { ConditionCheck: { ...keyed, ...placeholders, ConditionExpression } }
  const condition = ConditionExpression === '' ? {} : { ConditionExpression }
  return { Update: { ...keyed, ...placeholders, ...condition, UpdateExpression } }
}

/**
 * A transaction that met another one, or a throttled table, was cancelled whole: it failed and had no effect.
 */
const failedOf = (error: unknown): { index: number; current: Item | undefined }[] => {
  if (!(error instanceof TransactionCanceledException)) throw writeFailure('DynamoDB', error)
  const failed = (error.CancellationReasons ?? []).flatMap(({ Code, Item: item }, index) =>
    Code === 'ConditionalCheckFailed'
      ? [{ index, current: item === undefined ? undefined : fromItem(item) }]
      : [],
  )
  if (failed.length > 0) return failed
  const codes = (error.CancellationReasons ?? []).map(({ Code = 'None' }) => Code)
  throw new StorageError('none', `DynamoDB: the transaction was cancelled: ${codes.join(', ')}`, {
    cause: error,
    throttled: codes.some((code) => code === 'ThrottlingError' || code === 'ProvisionedThroughputExceeded'),
  })
}

const failRead = (error: unknown): never => {
  throw readFailure('DynamoDB', error)
}
