// A process on AWS: its storage, its log and its metrics, made once where a function's module is loaded, so that
// everything it serves shares clients and connections.

import type { LogDeps } from '../log/deps.ts'
import { tenantIdOf } from '../metadata/scope.ts'
import { takeDeployment } from '../service/deployment.ts'
import { createS3ObjectStore } from '../storage/aws/objectStore.ts'
import { createDynamoTable } from '../storage/aws/table.ts'
import { createClusterRegistry } from '../tenants/clusters.ts'
import { createTenantKeys } from '../tenants/tenantKeys.ts'
import { createDynamoClient, createS3Client } from './awsClients.ts'
import type { AwsConfig } from './awsConfig.ts'
import { systemClock, systemRandom } from './clock.ts'
import { type Connections, createConnections } from './connections.ts'
import { createLogger, type Logger } from './logger.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { reportStorage } from './reportStorage.ts'
import { packageVersion } from './version.ts'

export type FunctionName = 'produce' | 'fetch' | 'compactor'

export interface AwsProcess {
  readonly deps: LogDeps
  readonly logger: Logger
  readonly metrics: Metrics
  readonly connections: Connections
}

/** Refuses bucket and table of another deployment before anything else is written to them. */
export async function openAwsProcess(config: AwsConfig, functionName: FunctionName): Promise<AwsProcess> {
  const { bucket, tableName, scope, stage, logLevel } = config
  const facts = { service: 'millrace', function: functionName, stage, version: packageVersion }
  const logger = createLogger({ level: logLevel, facts, write })
  const metrics = createMetrics({ clock: systemClock, stage, functionName, write })
  const ports = { clock: systemClock, random: systemRandom }
  const report = reportStorage(logger, metrics)
  const connections = createConnections(systemClock)
  const table = createDynamoTable({ client: createDynamoClient(connections), tableName, ...ports, report })
  const tenantKeyOf = createTenantKeys(createClusterRegistry({ table, ...ports }), systemClock)
  const kmsKeyOf = (name: string) => tenantKeyOf(tenantIdOf(name))
  const deps: LogDeps = {
    objects: createS3ObjectStore({ client: createS3Client(connections), bucket, ...ports, report, kmsKeyOf }),
    table,
    tenantKeyOf,
    ...ports,
    scope,
    reportBackgroundFailure: (error) => logger.failure('background work failed', error),
  }
  await takeDeployment(deps, stage, bucket)
  return { deps, logger, metrics, connections }
}

/** Lambda's log is standard output, a line an event. */
function write(line: string): void {
  process.stdout.write(line)
}
