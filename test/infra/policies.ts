// What the synthesised roles allow, against the calls that the functions were seen to make, both ways: every call is
// allowed, and everything allowed is called. Both are named as IAM names them.
import type { Template } from 'aws-cdk-lib/assertions'
import { type Lifecycle, type Resource, resourcesOf } from './synthesised.ts'

export interface AwsCall {
  readonly function: string
  readonly action: string
  readonly resource: string
}

/** One action on one pattern of resources, in which `*` is any text. */
export interface Permission {
  readonly function: string
  readonly action: string
  readonly pattern: string
}

export interface Place {
  readonly region: string
  readonly account: string
}

const roles: readonly { readonly function: string; readonly lifecycle: Lifecycle; readonly role: RegExp }[] =
  [
    { function: 'produce', lifecycle: 'service', role: /^ProduceRole/ },
    { function: 'fetch', lifecycle: 'service', role: /^FetchRole/ },
    { function: 'compactor', lifecycle: 'jobs', role: /^CompactorRole/ },
  ]

/** What AWS itself uses on a function's behalf, so that no call of the function shows it. */
export const usedByAws: Readonly<Record<string, string>> = {
  's3:ListBucket': 'S3 answers 404, and not 403, for an object that is gone',
  'logs:CreateLogStream': 'Lambda writes what the function prints',
  'logs:PutLogEvents': 'Lambda writes what the function prints',
  'kms:Decrypt': 'S3 and DynamoDB decrypt what the function reads',
  'kms:GenerateDataKey': 'S3 encrypts what the function puts',
  'sqs:SendMessage': 'Lambda reports an invocation that failed',
}

/** Names of a deployment, for a run that is to be checked: it has to use them. */
export const namesOf = (stage: string, { region, account }: Place) => ({
  bucket: `millrace-${stage}-log-${account}-${region}`,
  table: `millrace-${stage}-log`,
  compactor: `millrace-${stage}-compactor`,
})

export function permissionsOf(templates: Readonly<Record<Lifecycle, Template>>, place: Place): Permission[] {
  return roles.flatMap(({ function: name, lifecycle, role }) => {
    const [found, ...others] = resourcesOf(templates[lifecycle], 'AWS::IAM::Role').filter(([id]) =>
      role.test(id),
    )
    if (found === undefined || others.length > 0) throw new Error(`${name} has not one role`)
    return statementsOf(found[1]).flatMap(({ Action, Resource }) =>
      listOf(Action).flatMap((action) =>
        listOf(Resource).map((resource) => ({
          function: name,
          action: String(action),
          pattern: resolve(resource, place),
        })),
      ),
    )
  })
}

export const missing = (permissions: readonly Permission[], calls: readonly AwsCall[]): AwsCall[] =>
  unique(calls.filter((call) => !permissions.some((permission) => allows(permission, call))))

export const unused = (permissions: readonly Permission[], calls: readonly AwsCall[]): Permission[] =>
  permissions
    .filter(({ action }) => !Object.hasOwn(usedByAws, action))
    .filter((permission) => !calls.some((call) => allows(permission, call)))

function allows(permission: Permission, call: AwsCall): boolean {
  if (permission.function !== call.function || permission.action !== call.action) return false
  const parts = permission.pattern.split('*').map((text) => text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(call.resource)
}

interface Statement {
  readonly Effect: string
  readonly Action: unknown
  readonly Resource: unknown
}

function statementsOf({ Properties }: Resource): Statement[] {
  const policies: { PolicyDocument: { Statement: Statement[] } }[] = JSON.parse(
    JSON.stringify(Properties.Policies),
  )
  const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
  if (statements.some(({ Effect }) => Effect !== 'Allow'))
    throw new Error('a role denies, which nothing here reads')
  return statements
}

/** A template's text with the place in it. What is made by the deployment itself keeps its logical id. */
function resolve(value: unknown, place: Place): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) throw new Error(`not a resource: ${JSON.stringify(value)}`)
  const [[intrinsic, argument] = []] = Object.entries(value)
  if (intrinsic === 'Ref') return pseudo(String(argument), place)
  if (intrinsic === 'Fn::Join')
    return listOf(argument[1])
      .map((part) => resolve(part, place))
      .join(String(argument[0]))
  if (intrinsic === 'Fn::GetAtt' || intrinsic === 'Fn::ImportValue') return `<${JSON.stringify(argument)}>`
  throw new Error(`${intrinsic} in a role is not known here`)
}

function pseudo(name: string, { region, account }: Place): string {
  const known = { 'AWS::Partition': 'aws', 'AWS::Region': region, 'AWS::AccountId': account }
  const value: unknown = Reflect.get(known, name)
  return typeof value === 'string' ? value : `<${name}>`
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value])

function unique(calls: readonly AwsCall[]): AwsCall[] {
  return [...new Map(calls.map((call) => [JSON.stringify(call), call])).values()]
}
