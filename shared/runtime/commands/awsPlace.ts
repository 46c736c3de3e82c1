// A bucket and a table on AWS, for commands: with the credentials of whoever runs them. Refused before anything else
// is asked of them when they cannot be reached, or do not belong together.

import type { LogDeps } from '../../log/deps.ts'
import { createScope, deploymentKey, deploymentObject } from '../../metadata/scope.ts'
import { expectDeployment } from '../../service/deployment.ts'
import { createS3ObjectStore } from '../../storage/aws/objectStore.ts'
import { createDynamoTable } from '../../storage/aws/table.ts'
import { type AwsAddress, createDynamoClient, createS3Client } from '../awsClients.ts'
import { systemClock, systemRandom } from '../clock.ts'
import { createConnections } from '../connections.ts'
import { logFailure } from '../logger.ts'
import type { AwsPlace } from './place.ts'

export async function withAws<T>(place: AwsPlace, work: (deps: LogDeps) => Promise<T>): Promise<T> {
  const { bucket, tableName, clusterId } = place
  const connections = createConnections(systemClock)
  const s3 = createS3Client(connections, addressOf(place))
  const dynamo = createDynamoClient(connections, addressOf(place))
  const ports = { clock: systemClock, random: systemRandom }
  const deps = {
    ...ports,
    objects: createS3ObjectStore({ client: s3, bucket, ...ports }),
    table: createDynamoTable({ client: dynamo, tableName, ...ports }),
    scope: createScope(clusterId),
    reportBackgroundFailure: (error: unknown) => logFailure('background work failed', error),
  }
  try {
    await reach(deps, place)
    await expectDeployment(deps, bucket)
    return await work(deps)
  } finally {
    s3.destroy()
    dynamo.destroy()
  }
}

const addressOf = ({ region, endpoint }: AwsPlace): AwsAddress => ({
  ...(region === undefined ? {} : { region }),
  ...(endpoint === undefined ? {} : { endpoint }),
})

/** Asked directly: what the engine makes of a refusal, a storage that does not answer, tells an operator nothing. */
async function reach({ objects, table }: LogDeps, { bucket, tableName }: AwsPlace): Promise<void> {
  const unreachable = (what: string) => (cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${what} cannot be read: ${why}`, { cause })
  }
  await table.get(deploymentKey).catch(unreachable(`The table ${tableName}`))
  await objects.getRange(deploymentObject, 0, 1).catch(unreachable(`The bucket ${bucket}`))
}
