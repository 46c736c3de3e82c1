// dynalite, an emulator of DynamoDB, in memory on 127.0.0.1, with a table as the table port needs it. It
// knows no ReturnValuesOnConditionCheckFailure, so that is added to it here: a false condition then answers
// with the item.
import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'

interface Refusal {
  readonly body: Record<string, unknown>
}

interface Database {
  checkConditional(
    request: { readonly ReturnValuesOnConditionCheckFailure?: string },
    item: unknown,
  ): Refusal | null | undefined
}

const require = createRequire(import.meta.url)

export interface DynamoServer {
  readonly client: DynamoDBClient
  close(): Promise<void>
}

export const startDynamoServer = async (tableName: string): Promise<DynamoServer> => {
  returnRefusingItems()
  const server: Server = require('dynalite')({ createTableMs: 0 })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  await createTable(client, tableName)
  return {
    client,
    close: async () => {
      client.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const createTable = async (client: DynamoDBClient, tableName: string): Promise<void> => {
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
}

const returnRefusingItems = (): void => {
  for (const operation of ['updateItem', 'putItem', 'deleteItem']) {
    const { types }: { types: Record<string, unknown> } = require(`dynalite/validations/${operation}`)
    types.ReturnValuesOnConditionCheckFailure = { type: 'String', enum: ['ALL_OLD', 'NONE'] }
  }
  const database: Database = require('dynalite/db')
  const { checkConditional } = database
  database.checkConditional = (request, item) => {
    const refusal = checkConditional(request, item)
    if (refusal && item && request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD') refusal.body.Item = item
    return refusal
  }
}
