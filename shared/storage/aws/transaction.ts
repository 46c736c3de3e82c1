// Transactions. Each is sent with a token of its own, by which DynamoDB knows a repeat for ten minutes: however an
// attempt failed, the transaction may be sent again and is carried out once.
import {
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { StorageError } from '../../base/errors.ts'
import type { Item, TransactWrite } from '../../ports/table.ts'
import { fromItem, toItem, toKey } from './attributeValues.ts'
import { patiently } from './calls.ts'
import { effectOf, isConflict, isThrottled, writeFailure } from './errors.ts'
import { compileWrite } from './expressions.ts'
import { countCapacity, counted, returnRefusingItem, type TableDeps } from './tableCalls.ts'

interface Refusal {
  readonly index: number
  readonly current: Item | undefined
}

const tokenBytes = 16

/** The writes that were refused: none where all were carried out. */
export const sendTransaction = async (
  deps: TableDeps,
  writes: readonly TransactWrite[],
): Promise<readonly Refusal[]> => {
  const command = new TransactWriteItemsCommand({
    TransactItems: writes.map((write) => transactItem(deps.tableName, write)),
    ClientRequestToken: Buffer.from(deps.random.bytes(tokenBytes)).toString('hex'),
    ...countCapacity,
  })
  let answerLost = false
  const attempt = async (): Promise<readonly Refusal[]> => {
    try {
      await counted(deps, 'TransactWriteItems', () => deps.client.send(command))
      return []
    } catch (error) {
      // Had an attempt before this one come through, DynamoDB would say so instead of looking at the conditions again.
      const refusals = refusalsIn(error)
      if (refusals.length > 0) return refusals
      answerLost ||= effectOf(error) === 'unknown'
      throw error
    }
  }
  try {
    return await patiently(deps, mayRepeat, attempt)
  } catch (error) {
    const failure = writeFailure('DynamoDB', error)
    // The attempt before the last one may have come through.
    throw answerLost ? new StorageError('unknown', failure.message, { cause: error }) : failure
  }
}

const mayRepeat = (error: unknown): boolean =>
  isThrottled(error) || isConflict(error) || effectOf(error) === 'unknown'

/** A transaction that met another one, or a throttled table, is cancelled too, but no condition has refused it. */
const refusalsIn = (error: unknown): readonly Refusal[] => {
  if (!(error instanceof TransactionCanceledException)) return []
  return (error.CancellationReasons ?? []).flatMap(({ Code, Item: item }, index) =>
    Code === 'ConditionalCheckFailed'
      ? [{ index, current: item === undefined ? undefined : fromItem(item) }]
      : [],
  )
}

const transactItem = (tableName: string, write: TransactWrite): TransactWriteItem => {
  const common = { TableName: tableName, ...returnRefusingItem }
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
