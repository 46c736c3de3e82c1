// The object store's contract on Ceph's radosgw: an S3 that others wrote, that checks signatures and stores on a disk.
// Run by `npm run test:radosgw`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createS3ObjectStore } from '../../shared/storage/aws/objectStore.ts'
import { describeObjectStore } from '../contract/objectStore.contract.ts'
import { type Radosgw, startRadosgw } from './server.ts'

const bucket = 'millrace'
let radosgw: Radosgw

before(async () => {
  radosgw = await startRadosgw()
})
after(() => radosgw?.close())

const createClient = (credentials = radosgw.credentials): S3Client =>
  new S3Client({
    endpoint: radosgw.endpoint,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  })

describeObjectStore('the S3 object store, on radosgw', {
  create: async () => {
    const client = createClient()
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    const port = createS3ObjectStore({ client, bucket, clock: systemClock, random: systemRandom })
    return { port, close: async () => client.destroy() }
  },
  skip: [
    {
      test: 'a taken name keeps its object, however large what is put',
      reason: 'radosgw 16 passes over If-None-Match when it completes a multipart upload',
    },
  ],
})

test('a put with another secret is refused: radosgw checks signatures', async () => {
  const client = createClient({ ...radosgw.credentials, secretAccessKey: 'guessed' })
  const store = createS3ObjectStore({ client, bucket, clock: systemClock, random: systemRandom })
  const refused = { name: 'StorageError', effect: 'none', message: /SignatureDoesNotMatch/ }
  await assert.rejects(store.putIfAbsent('a', [Buffer.from('a')]), refused)
  client.destroy()
})
