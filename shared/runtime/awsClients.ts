// The clients of AWS, as every process has them. They repeat nothing by themselves: an increment that is sent twice is
// applied twice, and the engine knows what may be.

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import type { Connections } from './connections.ts'

export interface AwsAddress {
  /** Absent: as the AWS SDK finds it, like the credentials. */
  readonly region?: string
  /** Another service that speaks as S3 and DynamoDB do. */
  readonly endpoint?: string
}

const maxAttempts = 1
const connectionTimeout = 2000
/** Half of a lease's time, for an object or a part of one: 20 MiB. */
const objectMsMax = 30_000
const tableMsMax = 5000

export const createS3Client = ({ agents }: Connections, address: AwsAddress = {}): S3Client =>
  new S3Client({
    ...address,
    maxAttempts,
    // A host of one's own has no subdomain for each bucket.
    forcePathStyle: address.endpoint !== undefined,
    // A put that asks first whether it may go on gets a connection of its own from the SDK, and ours always may.
    expectContinueHeader: false,
    requestHandler: { ...agents, ...timeouts(objectMsMax) },
  })

export const createDynamoClient = ({ agents }: Connections, address: AwsAddress = {}): DynamoDBClient =>
  new DynamoDBClient({ ...address, maxAttempts, requestHandler: { ...agents, ...timeouts(tableMsMax) } })

/** A worker answers when it is done, which may take minutes without a byte: its caller's signal ends the wait. */
export const createLambdaClient = ({ agents }: Connections): LambdaClient =>
  new LambdaClient({ maxAttempts, requestHandler: { ...agents, connectionTimeout, socketTimeout: 0 } })

const timeouts = (requestTimeout: number) => ({
  connectionTimeout,
  requestTimeout,
  throwOnRequestTimeout: true,
})
