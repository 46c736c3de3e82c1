// dynalite, an emulator of DynamoDB, in memory on 127.0.0.1, with a table as the table port needs it. It knows no
// ReturnValuesOnConditionCheckFailure and no transactions, and compares bytes in conditions as if they were text, so
// that is added to it here. Left as it is: an update that only removes attributes of an absent item creates one.
import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { addTransactions, type Store } from './dynamoTransactions.ts'

interface Refusal {
  readonly body: Record<string, unknown>
}

interface Database {
  create(options: object): Store
  checkConditional(
    request: { readonly ReturnValuesOnConditionCheckFailure?: string; readonly _condition?: unknown },
    item: unknown,
  ): Refusal | null | undefined
}

const require = createRequire(import.meta.url)

export interface DynamoServer {
  readonly endpoint: string
  readonly client: DynamoDBClient
  close(): Promise<void>
}

export const startDynamoServer = async (tableName: string): Promise<DynamoServer> => {
  patch()
  const { server, store } = createServer()
  addTransactions(server, store)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const endpoint = `http://127.0.0.1:${address.port}`
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  await createTable(client, tableName)
  return {
    endpoint,
    client,
    close: async () => {
      client.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** dynalite keeps the store that it creates to itself. */
const createServer = (): { server: Server; store: Store } => {
  const database: Database = require('dynalite/db')
  const { create } = database
  const stores: Store[] = []
  database.create = (options) => {
    const store = create(options)
    stores.push(store)
    return store
  }
  const server: Server = require('dynalite')({ createTableMs: 0 })
  database.create = create
  const [store] = stores
  assert.ok(store)
  return { server, store }
}

export const createTable = async (client: DynamoDBClient, tableName: string): Promise<void> => {
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

let isPatched = false

/** The modules are shared by all servers of a process. */
const patch = (): void => {
  if (isPatched) return
  isPatched = true
  for (const operation of ['updateItem', 'putItem', 'deleteItem']) {
    const { types }: { types: Record<string, unknown> } = require(`dynalite/validations/${operation}`)
    types.ReturnValuesOnConditionCheckFailure = { type: 'String', enum: ['ALL_OLD', 'NONE'] }
  }
  const database: Database = require('dynalite/db')
  const { checkConditional } = database
  database.checkConditional = (request, item) => {
    const { _condition } = request
    const refusal = checkConditional({ ...request, _condition: inHex(_condition) }, inHex(item))
    if (refusal && item && request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD') refusal.body.Item = item
    return refusal
  }
}

/** Bytes as the text of their hexadecimal digits, which begins and sorts as they do. */
const inHex = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inHex)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, inner]) => {
    const isBytes = name === 'B' && typeof inner === 'string'
    return [name, isBytes ? btoa(Buffer.from(inner, 'base64').toString('hex')) : inHex(inner)]
  })
  return Object.fromEntries(entries)
}
