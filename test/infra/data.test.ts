import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Match } from 'aws-cdk-lib/assertions'
import { production, resourcesOf, settings, synthesise } from './synthesised.ts'

const prod = synthesise(production)
const dev = synthesise(settings)
const data = prod.templates.data

test('bucket, table and key have pinned logical ids and fixed names', () => {
  const ids = ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::KMS::Key'].flatMap((type) =>
    resourcesOf(data, type).map(([id]) => id),
  )
  assert.deepEqual(ids.toSorted(), ['AccessLogBucket', 'DataKey', 'LogBucket', 'LogTable'])
  data.hasResourceProperties('AWS::DynamoDB::Table', { TableName: 'millrace-prod-log' })
  const name = ['', ['millrace-prod-log-', { Ref: 'AWS::AccountId' }, '-', { Ref: 'AWS::Region' }]]
  data.hasResourceProperties('AWS::S3::Bucket', { BucketName: { 'Fn::Join': name } })
})

test('in production nothing that holds data goes with its stack', () => {
  for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::KMS::Key']) {
    for (const [id, resource] of resourcesOf(data, type)) {
      assert.equal(resource.DeletionPolicy, 'Retain', id)
      assert.equal(resource.UpdateReplacePolicy, 'Retain', id)
    }
  }
  data.hasResourceProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: true })
  data.resourceCountIs('Custom::S3AutoDeleteObjects', 0)
  assert.equal(prod.terminationProtection, true)
})

test('what API keys are hashed under is made by AWS, in no template, and stays as long as the table', () => {
  const [[id, secret] = []] = resourcesOf(data, 'AWS::SecretsManager::Secret')
  assert.equal(id, 'Pepper')
  assert.equal(secret?.DeletionPolicy, 'Retain')
  assert.equal(secret?.Properties.SecretString, undefined)
  prod.templates.service.allResourcesProperties('AWS::Lambda::WebFunctionRevision', {
    ServiceConfig: Match.objectLike({
      EnvironmentVariables: Match.objectLike({
        PEPPER: Match.stringLikeRegexp('^{{resolve:secretsmanager:'),
      }),
    }),
  })
})

test('in dev everything goes with its stack', () => {
  const { data } = dev.templates
  for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::KMS::Key']) {
    for (const [id, resource] of resourcesOf(data, type)) assert.equal(resource.DeletionPolicy, 'Delete', id)
  }
  data.hasResourceProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false })
  data.resourceCountIs('Custom::S3AutoDeleteObjects', 2)
  assert.equal(dev.terminationProtection, false)
})

test('the table can be restored to a point in time, and the bucket keeps what it then names', () => {
  data.hasResourceProperties('AWS::DynamoDB::Table', {
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 35 },
  })
  data.hasResourceProperties('AWS::S3::Bucket', {
    VersioningConfiguration: { Status: 'Enabled' },
    LifecycleConfiguration: {
      Rules: [
        {
          Id: 'what-was-deleted',
          Status: 'Enabled',
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          ExpiredObjectDeleteMarker: true,
          NoncurrentVersionExpiration: { NoncurrentDays: 35 },
        },
      ],
    },
  })
})

test('no lifecycle rule ever expires a current object of the log', () => {
  const [, bucket] = resourcesOf(data, 'AWS::S3::Bucket').find(([id]) => id === 'LogBucket') ?? []
  assert.doesNotMatch(
    JSON.stringify(bucket?.Properties.LifecycleConfiguration),
    /ExpirationInDays|ExpirationDate/,
  )
})

test('a table is paid by the request', () => {
  data.hasResourceProperties('AWS::DynamoDB::Table', {
    BillingMode: 'PAY_PER_REQUEST',
    ProvisionedThroughput: Match.absent(),
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  })
})

test('bytes and order are encrypted under a key that turns over and is for services only', () => {
  const key = { 'Fn::GetAtt': ['DataKey', 'Arn'] }
  data.hasResourceProperties('AWS::S3::Bucket', {
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
        },
      ],
    },
  })
  data.hasResourceProperties('AWS::DynamoDB::Table', {
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key },
  })
  data.hasResourceProperties('AWS::KMS::Key', {
    EnableKeyRotation: true,
    KeyPolicy: {
      Statement: Match.arrayWith([Match.objectLike({ Effect: 'Deny', Action: 'kms:CreateGrant' })]),
    },
  })
})

test('every bucket of every stack is closed to the public and refuses what is not TLS', () => {
  for (const { data, service } of [prod.templates, dev.templates]) {
    for (const template of [data, service]) {
      const buckets = resourcesOf(template, 'AWS::S3::Bucket')
      assert.ok(buckets.length > 0)
      for (const [id, { Properties }] of buckets) {
        assert.deepEqual(Properties.PublicAccessBlockConfiguration, allBlocked, id)
        template.hasResourceProperties('AWS::S3::BucketPolicy', {
          Bucket: { Ref: id },
          PolicyDocument: { Statement: Match.arrayWith([refusedWithoutTls]) },
        })
      }
    }
  }
})

test("the encryption of access logs is S3's, and they end", () => {
  const [, bucket] = resourcesOf(data, 'AWS::S3::Bucket').find(([id]) => id === 'AccessLogBucket') ?? []
  assert.match(JSON.stringify(bucket?.Properties.LifecycleConfiguration), /"ExpirationInDays":30/)
  data.hasResourceProperties('AWS::S3::Bucket', {
    LoggingConfiguration: { DestinationBucketName: { Ref: 'AccessLogBucket' } },
  })
})

test("a restored table takes the place of the stage's own, which stays", () => {
  const restored = synthesise({ ...production, restoredTable: 'millrace-prod-log-restored' })
  restored.templates.data.hasResourceProperties('AWS::DynamoDB::Table', { TableName: 'millrace-prod-log' })
  restored.templates.jobs.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { TABLE: 'millrace-prod-log-restored' } },
  })
  const roles = JSON.stringify(resourcesOf(restored.templates.service, 'AWS::IAM::Role'))
  assert.match(roles, /:table\/millrace-prod-log-restored"/)
  assert.doesNotMatch(roles, /:table\/millrace-prod-log"/)
})

const allBlocked = {
  BlockPublicAcls: true,
  BlockPublicPolicy: true,
  IgnorePublicAcls: true,
  RestrictPublicBuckets: true,
}

const refusedWithoutTls = Match.objectLike({
  Effect: 'Deny',
  Action: 's3:*',
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
})
