// A process on AWS: its storage, its log and its metrics, made once where a function's module is loaded, so that
// everything it serves shares clients and connections. The engine repeats what may be repeated: the clients never do.

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import type { LogDeps } from '../log/deps.ts'
import { takeDeployment } from '../service/deployment.ts'
import { createS3ObjectStore } from '../storage/aws/objectStore.ts'
import { createDynamoTable } from '../storage/aws/table.ts'
import type { AwsConfig } from './awsConfig.ts'
import { systemClock, systemRandom } from './clock.ts'
import { createLogger, type Logger } from './logger.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { reportStorage } from './reportStorage.ts'
import { packageVersion } from './version.ts'

export type FunctionName = 'produce' | 'fetch' | 'compactor'

export interface AwsProcess {
  readonly deps: LogDeps
  readonly logger: Logger
  readonly metrics: Metrics
}

export const connectionMsMax = 2000

/** Half of a lease's time: an object of 64 MiB takes a few seconds. */
export const objectMsMax = 30_000
export const tableMsMax = 5000

/** Refuses bucket and table of another deployment before anything else is written to them. */
export async function openAwsProcess(config: AwsConfig, functionName: FunctionName): Promise<AwsProcess> {
  const { bucket, tableName, scope, stage, logLevel } = config
  const facts = { service: 'millrace', function: functionName, stage, version: packageVersion }
  const logger = createLogger({ level: logLevel, facts, write })
  const metrics = createMetrics({ clock: systemClock, stage, functionName, write })
  const ports = { clock: systemClock, random: systemRandom }
  const report = reportStorage(logger, metrics)
  // A put that asks first whether it may go on gets a connection of its own from the SDK, and ours always may.
  const expectContinueHeader = false
  const s3 = new S3Client({ maxAttempts: 1, expectContinueHeader, requestHandler: timeouts(objectMsMax) })
  const dynamo = new DynamoDBClient({ maxAttempts: 1, requestHandler: timeouts(tableMsMax) })
  const deps: LogDeps = {
    objects: createS3ObjectStore({ client: s3, bucket, ...ports, report }),
    table: createDynamoTable({ client: dynamo, tableName, ...ports, report }),
    ...ports,
    scope,
    reportBackgroundFailure: (error) => logger.failure('background work failed', error),
  }
  await takeDeployment(deps, stage, bucket)
  return { deps, logger, metrics }
}

/** Lambda's log is standard output, a line an event. */
function write(line: string): void {
  process.stdout.write(line)
}

export const timeouts = (requestTimeout: number) => ({
  connectionTimeout: connectionMsMax,
  requestTimeout,
  throwOnRequestTimeout: true,
})
