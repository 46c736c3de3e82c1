// What every call to the table is sent with, and what is told of it.
import type { ConsumedCapacity, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type CallDeps, measured, patiently } from './calls.ts'
import { isThrottled, readFailure } from './errors.ts'

export interface TableDeps extends CallDeps {
  /** With maxAttempts 1: an increment that the SDK repeats is applied twice. */
  readonly client: DynamoDBClient
  readonly tableName: string
}

export const returnRefusingItem = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const
export const countCapacity = { ReturnConsumedCapacity: 'TOTAL' } as const

interface Counted {
  readonly ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] | undefined
}

export const counted = <T extends Counted>(
  deps: CallDeps,
  operation: string,
  call: () => Promise<T>,
): Promise<T> => measured(deps, operation, call, capacityUnitsOf)

export const read = async <T extends Counted>(
  deps: CallDeps,
  operation: string,
  call: () => Promise<T>,
): Promise<T> => {
  try {
    return await patiently(deps, isThrottled, () => counted(deps, operation, call))
  } catch (error) {
    throw readFailure('DynamoDB', error)
  }
}

/** A transaction's answer has one entry for each table. */
const capacityUnitsOf = ({ ConsumedCapacity: consumed = [] }: Counted): number =>
  [consumed].flat().reduce((sum, { CapacityUnits: units = 0 }) => sum + units, 0)
