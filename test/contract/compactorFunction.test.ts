// The compactor's function as Lambda loads it, in a process of its own with Lambda's environment, on dynalite and on a
// server of S3's operations. dynalite has no transactions, so the cluster is empty: a pass that reads and lists.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startDynamoServer } from './dynamoServer.ts'
import { startS3Server } from './s3Server.ts'

const script = `
  import { handler } from ${JSON.stringify(new URL('../../functions/compactor/index.ts', import.meta.url).href)}
  const context = { getRemainingTimeInMillis: () => 900_000 }
  console.log(JSON.stringify(await handler({ 'detail-type': 'Scheduled Event' }, context)))`

const load = (environment: Record<string, string>) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: environment })

test('the function refuses to load without its settings, and says which is missing', async () => {
  await assert.rejects(load({ TABLE: 'millrace' }), /Error: BUCKET is missing/)
})

test('the loaded function does a scheduled pass and collects', async (t) => {
  const dynamo = await startDynamoServer('millrace')
  t.after(() => dynamo.close())
  const s3 = await startS3Server('segments')
  t.after(() => s3.close())
  const { stdout, stderr } = await load({
    BUCKET: 'segments',
    TABLE: 'millrace',
    CLUSTER_ID: 'acme',
    AWS_LAMBDA_FUNCTION_NAME: 'compactor',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: await endpointOf(dynamo.client),
  })
  assert.deepEqual(JSON.parse(stdout), { sequencers: 0, unfinished: false, collected: 0 })
  assert.equal(stderr, '')
  assert.ok(s3.requests.length > 0 && s3.requests.every((request) => request.startsWith('GET /segments')))
})

async function endpointOf(client: Awaited<ReturnType<typeof startDynamoServer>>['client']): Promise<string> {
  const endpoint = await client.config.endpoint?.()
  assert.ok(endpoint)
  return `${endpoint.protocol}//${endpoint.hostname}:${endpoint.port}`
}
