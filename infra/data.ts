// What outlives every deployment: the bucket of the log's bytes, the table that orders them, the key that encrypts
// both. Logical ids are pinned and names are fixed: what would replace one of them fails, where it would otherwise put
// something new and empty in its place.

import { Aws, CfnResource, Duration, RemovalPolicy, SecretValue, type Stack } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct, IConstruct } from 'constructs'
import { acknowledge, guard } from './acknowledge.ts'
import { createBucket } from './bucket.ts'
import { cost } from './cost.ts'
import type { StageSettings } from './settings.ts'
import { nameOf, stackOf } from './stack.ts'

/** By names, so that what uses them can be read, and deployed, without them. */
export interface Data {
  readonly stack: Stack
  readonly bucketName: string
  readonly tableName: string
  readonly keyArn: string
  /** Of tenants that have a key of their own. */
  readonly tenantKeyArns: readonly string[]
  /** A reference, which CloudFormation resolves: no template holds the secret. */
  readonly pepper: string
}

export function createData(scope: Construct, settings: StageSettings): Data {
  const { stage, retainData, restoredTable, tenantKeyArns = [] } = settings
  const description = 'the bytes of the log and their order'
  const stack = stackOf(scope, 'data', settings, description, { terminationProtection: retainData })
  const removalPolicy = retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY
  const key = createKey(stack, stage, removalPolicy)
  // Names of buckets are the world's.
  const bucketName = nameOf(stage, `log-${Aws.ACCOUNT_ID}-${Aws.REGION}`)
  const tableName = nameOf(stage, 'log')
  pin(createLogBucket(stack, settings, { bucketName, encryptionKey: key, removalPolicy }), 'LogBucket')
  pin(createTable(stack, settings, { tableName, encryptionKey: key, removalPolicy }), 'LogTable')
  const pepper = createPepper(stack, stage, removalPolicy)
  const names = { bucketName, tableName: restoredTable ?? tableName, keyArn: key.keyArn, tenantKeyArns }
  return { stack, ...names, pepper }
}

/** Beside the table, because without it no API key that the table knows opens anything any more. */
function createPepper(stack: Stack, stage: string, removalPolicy: RemovalPolicy): string {
  const secretName = nameOf(stage, 'pepper')
  const secret = new Secret(stack, 'Pepper', {
    secretName,
    description: `Millrace ${stage}: under which secrets of API keys are hashed`,
    generateSecretString: { excludePunctuation: true, passwordLength: 48 },
    removalPolicy,
  })
  acknowledge(secret, { 'AwsSolutions-SMG4': 'a new one would end every API key' })
  pin(secret, 'Pepper')
  return SecretValue.secretsManager(secretName).unsafeUnwrap()
}

function createKey(stack: Stack, stage: string, removalPolicy: RemovalPolicy): Key {
  const key = new Key(stack, 'Key', {
    description: `Millrace ${stage}: bucket and table`,
    alias: nameOf(stage, 'data'),
    enableKeyRotation: true,
    removalPolicy,
  })
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'GrantsForServicesOnly',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['kms:CreateGrant'],
      resources: ['*'],
      conditions: {
        BoolIfExists: { 'kms:GrantIsForAWSResource': 'false', 'aws:PrincipalIsAWSService': 'false' },
      },
    }),
  )
  pin(key, 'DataKey')
  return key
}

interface BucketParts {
  readonly bucketName: string
  readonly encryptionKey: Key
  readonly removalPolicy: RemovalPolicy
}

function createLogBucket(stack: Stack, settings: StageSettings, parts: BucketParts): IBucket {
  const autoDeleteObjects = !settings.retainData
  const bucket = createBucket(stack, 'Bucket', {
    ...parts,
    autoDeleteObjects,
    versioned: true,
    encryption: BucketEncryption.KMS,
    // One request to KMS for many objects.
    bucketKeyEnabled: true,
    serverAccessLogsBucket: createAccessLogs(stack, settings, parts.removalPolicy),
    lifecycleRules: [
      {
        id: 'what-was-deleted',
        // A table that is restored to a point in time names objects that were deleted since.
        noncurrentVersionExpiration: Duration.days(settings.recoveryDays),
        expiredObjectDeleteMarker: true,
        abortIncompleteMultipartUploadAfter: cost.abortUploadsAfter,
      },
    ],
  })
  acknowledge(bucket, {
    [guard('s3_bucket_object_lock_enabled_check')]:
      "retention is Kafka's: the collector deletes what topics do not keep",
  })
  return bucket
}

function createAccessLogs(stack: Stack, settings: StageSettings, removalPolicy: RemovalPolicy): IBucket {
  const bucket = createBucket(stack, 'AccessLogs', {
    removalPolicy,
    autoDeleteObjects: !settings.retainData,
    encryption: BucketEncryption.S3_MANAGED,
    lifecycleRules: [
      {
        expiration: Duration.days(settings.logDays),
        abortIncompleteMultipartUploadAfter: cost.abortUploadsAfter,
      },
    ],
  })
  pin(bucket, 'AccessLogBucket')
  acknowledge(bucket, {
    [guard('s3_bucket_default_encryption_kms_check')]:
      'S3 delivers access logs to no bucket with a key of ours',
    [guard('s3_bucket_versioning_enabled_check')]: 'S3 writes each log once, under a name of its own',
    [guard('s3_bucket_logging_enabled_check')]: 'the log of the logs would be itself',
    [guard('s3_bucket_object_lock_enabled_check')]: 'logs end with the setting logDays',
  })
  return bucket
}

interface TableParts {
  readonly tableName: string
  readonly encryptionKey: Key
  readonly removalPolicy: RemovalPolicy
}

function createTable(stack: Stack, { retainData, recoveryDays }: StageSettings, parts: TableParts): Table {
  return new Table(stack, 'Table', {
    ...parts,
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    // Nothing is billed while nothing happens.
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    pointInTimeRecoverySpecification: {
      pointInTimeRecoveryEnabled: true,
      recoveryPeriodInDays: recoveryDays,
    },
    deletionProtection: retainData,
  })
}

export function pin(construct: IConstruct, logicalId: string): void {
  const { defaultChild } = construct.node
  if (!CfnResource.isCfnResource(defaultChild)) throw new Error(`${construct.node.path} is no resource`)
  defaultChild.overrideLogicalId(logicalId)
}
