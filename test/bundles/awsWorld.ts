// What the functions find on AWS: a table, a bucket, Lambda's invocations, and the environment that names them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeleteItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { bundle, type FunctionEntry } from '../../infra/bundle.ts'
import { deploymentKey, deploymentObject } from '../../shared/metadata/scope.ts'
import type { Table } from '../../shared/ports/table.ts'
import { pepperOf } from '../../shared/runtime/awsConfig.ts'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createApiKeys } from '../../shared/security/apiKeys.ts'
import { createS3ObjectStore } from '../../shared/storage/aws/objectStore.ts'
import { createDynamoTable } from '../../shared/storage/aws/table.ts'
import { createMemoryTable } from '../../shared/storage/memory/table.ts'
import { createClusterRegistry } from '../../shared/tenants/clusters.ts'
import { makeFirstCluster } from '../../shared/tenants/firstCluster.ts'
import { createOrganisations } from '../../shared/tenants/organisations.ts'
import { startDynamoServer } from '../contract/dynamoServer.ts'
import { type S3Server, startS3Server } from '../contract/s3Server.ts'
import { startLambdaServer } from '../support/lambdaServer.ts'
import { type AwsCall, account, region } from './awsCalls.ts'
import { startRecorder } from './recorder.ts'

export const originSecret = 'the front door alone knows this text'
export const clusterId = 'local'
const pepper = 'the functions alone know this text'
/** Of an operator, who is there from the beginning. The same in every world, because its chance is no chance. */
export const authorization = await createOperator(createMemoryTable())

async function createOperator(table: Table): Promise<string> {
  const random = { bytes: (length: number) => new Uint8Array(length).fill(7), float: () => 0.5 }
  const deps = { table, clock: systemClock, random }
  const clusters = createClusterRegistry(deps)
  await makeFirstCluster({ organisations: createOrganisations(deps), clusters }, clusterId)
  const { key, secret } = await createApiKeys({ ...deps, pepper: pepperOf(pepper) }).create({
    clusterId: undefined,
    owner: 'User:operator',
    description: 'a test',
    expiresMs: undefined,
  })
  return `Basic ${btoa(`${key.keyId}:${secret}`)}`
}

const ports = { clock: systemClock, random: systemRandom }

/** As infra names them, in the stage dev of this account. */
export const names = {
  bucket: `millrace-dev-log-${account}-${region}`,
  table: 'millrace-dev-log',
  compactor: 'millrace-dev-compactor',
}

/** `bucket` is a word that DynamoDB keeps to itself. */
const withoutBucket = { UpdateExpression: 'REMOVE #b', ExpressionAttributeNames: { '#b': 'bucket' } }

const deploymentItem = {
  TableName: names.table,
  Key: { pk: { S: deploymentKey.pk }, sk: { S: deploymentKey.sk } },
}

/** For a process that is to take it for later than it is. */
export const clockAhead = (ms: number): Record<string, string> => {
  const shift = `const now=Date.now;Date.now=()=>now()+${ms}`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` }
}

/** Carries out an invocation: of a function by itself. */
export type Invoke = (event: unknown) => Promise<unknown>

export interface AwsWorld {
  readonly s3: S3Server
  /** Every call so far. */
  readonly calls: readonly AwsCall[]
  /** Of a function, but for what Lambda itself adds. */
  environment(functionName: string): Record<string, string>
  /** As if no function had ever started. */
  forgetDeployment(): Promise<void>
  /** As if the first one had died when it had marked the bucket and not noted it yet. */
  forgetMark(): Promise<void>
  /** Who answers invocations from now on. */
  invokeWith(invoke: Invoke): void
  /** The bundle's file, built once. */
  build(entry: FunctionEntry): string
  close(): Promise<void>
}

/** `isRecorded`: whether calls are noted, which is for ever. */
export async function startAwsWorld(isRecorded = true): Promise<AwsWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bundles-'))
  const calls: AwsCall[] = []
  const dynamo = await startDynamoServer(names.table)
  const s3 = await startS3Server(names.bucket)
  await createOperator(createDynamoTable({ client: dynamo.client, tableName: names.table, ...ports }))
  let invoke: Invoke = async () => {
    throw new Error('nothing is to be invoked')
  }
  const lambda = await startLambdaServer((event) => invoke(event))
  const table = await startRecorder(dynamo.endpoint, calls)
  const bucket = await startRecorder(s3.endpoint, calls)
  const invocations = await startRecorder(lambda.endpoint, calls)
  const objects = createS3ObjectStore({
    client: s3Client(s3.endpoint),
    bucket: names.bucket,
    ...ports,
  })
  const built = new Map<FunctionEntry, string>()
  return {
    s3,
    calls,
    environment: (functionName) => ({
      BUCKET: names.bucket,
      TABLE: names.table,
      CLUSTER_ID: clusterId,
      STAGE: 'dev',
      LOG_LEVEL: 'INFO',
      ORIGIN_SECRET: originSecret,
      PEPPER: pepper,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: functionName,
      AWS_SECRET_ACCESS_KEY: 'secret access key',
      AWS_ENDPOINT_URL_S3: isRecorded ? bucket.endpoint : s3.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: isRecorded ? table.endpoint : dynamo.endpoint,
      AWS_ENDPOINT_URL_LAMBDA: invocations.endpoint,
    }),
    async forgetDeployment() {
      await dynamo.client.send(new DeleteItemCommand(deploymentItem))
      await objects.delete([deploymentObject])
    },
    async forgetMark() {
      await dynamo.client.send(new UpdateItemCommand({ ...deploymentItem, ...withoutBucket }))
    },
    invokeWith: (given) => {
      invoke = given
    },
    build(entry) {
      const file = built.get(entry) ?? bundle(entry, folder).file
      built.set(entry, file)
      return file
    },
    async close() {
      await Promise.all([table.close(), bucket.close(), invocations.close()])
      await Promise.all([dynamo.close(), s3.close(), lambda.close()])
      await rm(folder, { recursive: true })
    },
  }
}

const s3Client = (endpoint: string): S3Client =>
  new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    forcePathStyle: true,
    maxAttempts: 1,
  })
