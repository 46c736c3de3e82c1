// The composition root on AWS: the engine on S3 and DynamoDB. A function calls it once, where its module is loaded, so
// that its invocations share clients and connections. The engine repeats what may be repeated: the clients never do.

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import type { LogDeps } from '../log/deps.ts'
import { createS3ObjectStore } from '../storage/aws/objectStore.ts'
import { createDynamoTable } from '../storage/aws/table.ts'
import { type AwsConfig, parseAwsConfig } from './awsConfig.ts'
import { systemClock, systemRandom } from './clock.ts'
import { type CompactorFunction, createCompactorFunction, workerGraceMs } from './compactorFunction.ts'
import { createLambdaWorker } from './lambdaWorker.ts'
import { logFailure } from './logger.ts'

export function openCompactorFunction(): CompactorFunction {
  const config = parseAwsConfig(process.env)
  // A worker answers when it is done, which may take minutes without a byte: its caller's signal ends the wait.
  const client = new LambdaClient({
    maxAttempts: 1,
    requestHandler: { connectionTimeout: connectionMsMax, socketTimeout: 0 },
  })
  const { functionName, functionVersion } = config
  const worker = { client, clock: systemClock, functionName, functionVersion, graceMs: workerGraceMs }
  return createCompactorFunction(openLogDeps(config), createLambdaWorker(worker))
}

const connectionMsMax = 2000

/** Half of a lease's time: an object of 64 MiB takes a few seconds. */
const objectMsMax = 30_000
const tableMsMax = 5000

function openLogDeps({ bucket, tableName, scope }: AwsConfig): LogDeps {
  const s3 = new S3Client({ maxAttempts: 1, requestHandler: timeouts(objectMsMax) })
  const dynamo = new DynamoDBClient({ maxAttempts: 1, requestHandler: timeouts(tableMsMax) })
  return {
    objects: createS3ObjectStore({ client: s3, bucket }),
    table: createDynamoTable({ client: dynamo, tableName }),
    clock: systemClock,
    random: systemRandom,
    scope,
    reportBackgroundFailure: (error) => logFailure('background work failed', error),
  }
}

const timeouts = (requestTimeout: number) => ({
  connectionTimeout: connectionMsMax,
  requestTimeout,
  throwOnRequestTimeout: true,
})
