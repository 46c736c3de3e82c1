import { S3Client } from '@aws-sdk/client-s3'
import { createS3ObjectStore } from '../../shared/storage/aws/objectStore.ts'
import { createDynamoTable } from '../../shared/storage/aws/table.ts'
import { startDynamoServer } from './dynamoServer.ts'
import { describeObjectStore } from './objectStore.contract.ts'
import { startS3Server } from './s3Server.ts'
import { describeTable } from './table.contract.ts'
import { transactCases } from './tableTransact.contract.ts'

const tableName = 'millrace'
const unsentTransactions = ['a transaction has at most 100 writes and names a key once']
const sentTransactions = Object.keys(transactCases).filter((title) => !unsentTransactions.includes(title))

describeTable('the DynamoDB table, on dynalite', {
  create: async () => {
    const { client, close } = await startDynamoServer(tableName)
    return { port: createDynamoTable({ client, tableName }), close }
  },
  skip: [
    ...sentTransactions.map((test) => ({ test, reason: 'dynalite has no TransactWriteItems' })),
    {
      test: 'beginsWith compares bytes that are no text',
      reason: 'dynalite compares bytes as text, in which all that is no UTF-8 is alike',
    },
    {
      test: 'an update that only removes creates no item',
      reason: 'dynalite creates an item that has its key alone, DynamoDB none',
    },
  ],
})

describeObjectStore('the S3 object store, on a server of its four operations', {
  create: async () => {
    const server = await startS3Server('millrace')
    const client = new S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      forcePathStyle: true,
      maxAttempts: 1,
    })
    return {
      port: createS3ObjectStore({ client, bucket: 'millrace' }),
      close: async () => {
        client.destroy()
        await server.close()
      },
    }
  },
})
