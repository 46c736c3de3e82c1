// The table port on DynamoDB: a table with a string partition key `pk` and a string sort key `sk`. Reads are
// strongly consistent. The client is the caller's, with maxAttempts 1: an increment that the SDK repeats is
// applied twice.
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
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
import { patiently } from './calls.ts'
import { isConflict, isThrottled, writeFailure } from './errors.ts'
import { compileKeyCondition, compileWrite } from './expressions.ts'
import { countCapacity, counted, read, returnRefusingItem, type TableDeps } from './tableCalls.ts'
import { sendTransaction } from './transaction.ts'

export const createDynamoTable = (deps: TableDeps): Table => {
  const { client, tableName } = deps

  const get = async (key: ItemKey): Promise<Item | undefined> => {
    checkKey(key)
    const input = { TableName: tableName, Key: toKey(key), ConsistentRead: true, ...countCapacity }
    const { Item: item } = await read(deps, 'GetItem', () => client.send(new GetItemCommand(input)))
    return item === undefined ? undefined : fromItem(item)
  }

  const query = async (request: Query): Promise<Page> => {
    // DynamoDB calls bounds with nothing between them an error.
    if (sortKeyRange(request) === undefined) return { items: [], next: undefined }
    const command = new QueryCommand(queryInput(tableName, request))
    const { Items: items = [], LastEvaluatedKey: last } = await read(deps, 'Query', () =>
      client.send(command),
    )
    return { items: items.map(fromItem), next: last?.sk?.S }
  }

  const write = async (request: Write): Promise<WriteOutcome> => {
    checkWrite(request)
    try {
      const updated = await patiently(deps, isPassing, () => sendWrite(deps, request))
      return { ok: true, updated: updatedOf(request, updated ?? {}) }
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw writeFailure('DynamoDB', error)
      return { ok: false, current: error.Item === undefined ? undefined : fromItem(error.Item) }
    }
  }

  const transact = async (writes: readonly TransactWrite[]): Promise<TransactOutcome> => {
    checkTransaction(writes)
    const failed = await sendTransaction(deps, writes)
    return failed.length === 0 ? { ok: true } : { ok: false, failed }
  }

  return { get, query, write, transact }
}

/** Certainly without effect, so that even an increment may be made again. */
const isPassing = (error: unknown): boolean => isThrottled(error) || isConflict(error)

const queryInput = (tableName: string, query: Query) => ({
  TableName: tableName,
  ...compileKeyCondition(query),
  ConsistentRead: true,
  ...countCapacity,
  Limit: query.limit,
  ScanIndexForward: !(query.descending ?? false),
  ...(query.after === undefined ? {} : { ExclusiveStartKey: toKey({ pk: query.pk, sk: query.after }) }),
})

const sendWrite = async (deps: TableDeps, write: Write): Promise<AttributeValues | undefined> => {
  const { client, tableName } = deps
  const common = { TableName: tableName, ...returnRefusingItem, ...countCapacity }
  if (write.kind === 'put') {
    const item = toItem(write.key, write.attributes)
    const put = new PutItemCommand({ ...common, ...compileWrite(write.when), Item: item })
    await counted(deps, 'PutItem', () => client.send(put))
    return undefined
  }
  const keyed = { ...common, Key: toKey(write.key) }
  if (write.kind === 'delete') {
    const command = new DeleteItemCommand({ ...keyed, ...compileWrite(write.when) })
    await counted(deps, 'DeleteItem', () => client.send(command))
    return undefined
  }
  const compiled = compileWrite(write.when, write.actions)
  const update = new UpdateItemCommand({ ...keyed, ...compiled, ReturnValues: returnValuesOf(write) })
  return (await counted(deps, 'UpdateItem', () => client.send(update))).Attributes
}

/** UPDATED_NEW tells of a list's removed elements only what now stands at their indexes. */
const returnValuesOf = ({ actions }: Write & { kind: 'update' }): 'ALL_NEW' | 'UPDATED_NEW' =>
  actions.some(({ kind }) => kind === 'removeFirst') ? 'ALL_NEW' : 'UPDATED_NEW'

const updatedOf = (write: Write, values: AttributeValues): Attributes => {
  if (write.kind !== 'update') return {}
  const named = new Set(write.actions.map(({ attribute }) => attribute))
  return fromAttributes(Object.fromEntries(Object.entries(values).filter(([name]) => named.has(name))))
}
