// The functions' roles, by hand: per function the actions it calls and where. `*` stands for a tenant, which is a
// request's to say and no deployment's; the engine builds every key from an authenticated one.

import { Aws } from 'aws-cdk-lib'
import { type IRole, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { ILogGroup } from 'aws-cdk-lib/aws-logs'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import { acknowledge, wildcard } from './acknowledge.ts'
import type { Data } from './data.ts'

/** Above 16 MiB in parts, and what was begun is taken back where it fails. */
const putting = ['s3:AbortMultipartUpload', 's3:PutObject']

/** What a flush needs: its object, its order. */
export const createProduceRole = (scope: Construct, data: Data, logGroup: ILogGroup): IRole =>
  createRole(scope, 'ProduceRole', {
    logs: writeLogs(logGroup),
    table: useTable(data, appendActions),
    objects: objects(data, [...putting, 's3:GetObject'], ['log']),
    mark: takeDeployment(data),
    key: useKey(data),
    ...useTenantKeys(data),
  })

/** Of what it appends there is the audit log alone, whose flushes are small. */
export const createFetchRole = (scope: Construct, data: Data, logGroup: ILogGroup): IRole =>
  createRole(scope, 'FetchRole', {
    logs: writeLogs(logGroup),
    table: useTable(data),
    objects: objects(data, ['s3:GetObject'], ['log', 'segment']),
    audit: objects(data, ['s3:PutObject'], ['log']),
    missing: listBucket(data),
    mark: takeDeployment(data),
    key: useKey(data),
    ...useTenantKeys(data),
  })

export const createCompactorRole = (
  scope: Construct,
  data: Data,
  { logGroup, deadLetters, functionName }: CompactorParts,
): IRole =>
  createRole(scope, 'CompactorRole', {
    logs: writeLogs(logGroup),
    table: useTable(data),
    objects: objects(data, ['s3:DeleteObject', 's3:GetObject'], ['log', 'segment']),
    segments: objects(data, putting, ['segment']),
    missing: listBucket(data),
    mark: takeDeployment(data),
    key: useKey(data),
    ...useTenantKeys(data),
    workers: invokeItself(functionName),
    failures: { actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] },
  })

interface CompactorParts {
  readonly logGroup: ILogGroup
  readonly deadLetters: IQueue
  readonly functionName: string
}

interface Grant {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions?: Record<string, Record<string, readonly string[]>>
  /** As the resources are written where a rule pack reports them. */
  readonly patterns?: readonly string[]
}

function createRole(scope: Construct, id: string, grants: Readonly<Record<string, Grant>>): IRole {
  const inlinePolicies = Object.fromEntries(
    Object.entries(grants).map(([name, { actions, resources, conditions = {} }]) => {
      const statement = new PolicyStatement({ actions: [...actions], resources: [...resources], conditions })
      return [name, new PolicyDocument({ statements: [statement] })]
    }),
  )
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies,
  })
  for (const pattern of Object.values(grants).flatMap(({ patterns = [] }) => patterns)) {
    acknowledge(role, { [wildcard(pattern)]: 'tenants and versions come without a deployment of the role' })
  }
  // Whatever uses the role gets what is written here and adds nothing of its own.
  return role.withoutPolicyUpdates()
}

const writeLogs = (logGroup: ILogGroup): Grant => ({
  actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  resources: [logGroup.logGroupArn],
})

/** What appends changes the sequencer, and puts what goes with it. */
const appendActions = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem']
const tableActions = [...appendActions, 'dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem']

const useTable = ({ tableName }: Data, actions: readonly string[] = tableActions): Grant => ({
  actions,
  resources: [`arn:${Aws.PARTITION}:dynamodb:${Aws.REGION}:${Aws.ACCOUNT_ID}:table/${tableName}`],
})

const objects = (
  { bucketName }: Data,
  actions: readonly string[],
  folders: readonly ('log' | 'segment')[],
): Grant => {
  const resources = folders.map((folder) => `arn:${Aws.PARTITION}:s3:::${bucketName}/*/${folder}/*`)
  return { actions, resources, patterns: resources.map(asReported) }
}

/** The first function of a deployment marks the bucket as its own, whichever that is. */
const takeDeployment = ({ bucketName }: Data): Grant => ({
  actions: ['s3:GetObject', 's3:PutObject'],
  resources: [`arn:${Aws.PARTITION}:s3:::${bucketName}/deployment`],
})

/** Who may not list is answered 403 for an object that is gone, and could not tell it from a missing right. */
const listBucket = ({ bucketName }: Data): Grant => ({
  actions: ['s3:ListBucket'],
  resources: [`arn:${Aws.PARTITION}:s3:::${bucketName}`],
})

/** For S3 by the bucket's key, for DynamoDB by the table's; for nothing else. */
const useKey = ({ keyArn }: Data): Grant => useKeys([keyArn], ['s3', 'dynamodb'])

/** Objects alone: the table has one key for all. */
const useTenantKeys = ({ tenantKeyArns }: Data): Readonly<Record<string, Grant>> =>
  tenantKeyArns.length === 0 ? {} : { tenantKeys: useKeys(tenantKeyArns, ['s3']) }

const useKeys = (resources: readonly string[], services: readonly ('s3' | 'dynamodb')[]): Grant => ({
  actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
  resources,
  conditions: {
    StringEquals: { 'kms:ViaService': services.map((service) => `${service}.${Aws.REGION}.amazonaws.com`) },
  },
})

/** By name, because the function itself depends on the role. Any version: each invokes its own. */
function invokeItself(functionName: string): Grant {
  const resource = `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function:${functionName}:*`
  return { actions: ['lambda:InvokeFunction'], resources: [resource], patterns: [asReported(resource)] }
}

/** Rule packs write `<AWS::Region>` for what is known when it is deployed. */
const asReported = (resource: string): string =>
  Object.entries({
    '<AWS::Partition>': Aws.PARTITION,
    '<AWS::Region>': Aws.REGION,
    '<AWS::AccountId>': Aws.ACCOUNT_ID,
  }).reduce((text, [name, token]) => text.replaceAll(token, name), resource)
