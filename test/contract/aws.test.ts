import { S3Client } from '@aws-sdk/client-s3'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createS3ObjectStore } from '../../shared/storage/aws/objectStore.ts'
import { createDynamoTable } from '../../shared/storage/aws/table.ts'
import { startDynamoServer } from './dynamoServer.ts'
import { describeObjectStore } from './objectStore.contract.ts'
import { startS3Server } from './s3Server.ts'
import { describeTable } from './table.contract.ts'

const tableName = 'millrace'

describeTable('the DynamoDB table, on dynalite', {
  create: async () => {
    const { client, close } = await startDynamoServer(tableName)
    return { port: createDynamoTable({ client, tableName, clock: systemClock, random: systemRandom }), close }
  },
  skip: [
    {
      test: 'an update that only removes creates no item',
      reason: 'dynalite creates an item that has its key alone, DynamoDB none',
    },
  ],
})

describeObjectStore('the S3 object store, on the small S3 server', {
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
      port: createS3ObjectStore({ client, bucket: 'millrace', clock: systemClock, random: systemRandom }),
      close: async () => {
        client.destroy()
        await server.close()
      },
    }
  },
})
