// API keys of a place: made with what their owner may do, listed, revoked. Refuses a role, a resource, a cluster or a
// service account that there is not.

import type { KeyObject } from 'node:crypto'
import { parseIsoInstant } from '../../base/isoTime.ts'
import type { LogDeps } from '../../log/deps.ts'
import type { ApiKeyItem, KeyResource } from '../../metadata/apiKeyItem.ts'
import { createScope } from '../../metadata/scope.ts'
import { type AclBinding, resourceTypes } from '../../security/acl.ts'
import { createAclStore } from '../../security/aclStore.ts'
import { createApiKeyStore, createApiKeys } from '../../security/apiKeys.ts'
import { bindingsOfRole, roleNames } from '../../security/roles.ts'
import { createClusterRegistry } from '../../tenants/clusters.ts'
import { accountNotFound, createServiceAccounts } from '../../tenants/serviceAccounts.ts'
import { type Environment, pepperIn } from '../awsConfig.ts'
import { clusterId as localClusterId } from '../dataFolder.ts'
import { loadPepper } from '../pepper.ts'
import { type Place, parsePlace, withPlace } from './place.ts'
import { UsageError } from './runCommand.ts'

interface Values {
  readonly data?: string
  readonly bucket?: string
  readonly table?: string
  readonly cluster?: string
  readonly region?: string
  readonly endpoint?: string
  readonly owner?: string
  readonly role?: string
  readonly resource?: string
  readonly expires?: string
  readonly id?: string
}

interface KeyToMake {
  readonly verb: 'create'
  readonly owner: string
  readonly expiresMs: number | undefined
  /** What the owner may do from then on, whoever that is. */
  readonly bindings: readonly Omit<AclBinding, 'principal'>[]
}

type Verb = KeyToMake | { readonly verb: 'list' } | { readonly verb: 'revoke'; readonly keyId: string }

interface KeyWork {
  readonly what: Verb
  readonly place: Place
  /** undefined: the operators'. */
  readonly clusterId: string | undefined
  /** Has the pepper on AWS, for keys that are made; a folder has its own. */
  readonly environment: Environment
}

export function parseKeyWork(verb: string, values: Values, environment: Environment): KeyWork {
  const { owner, role, resource, expires, id, ...where } = values
  const cluster = where.cluster ?? environment.CLUSTER_ID ?? localClusterId
  const place = parsePlace({ ...where, cluster }, environment)
  const what = parseVerb(verb, values)
  return { what, place, clusterId: where.cluster, environment }
}

function parseVerb(verb: string, values: Values): Verb {
  switch (verb) {
    case 'create':
      return parseKeyToMake(values)
    case 'list':
      return { verb }
    case 'revoke':
      if (values.id === undefined) throw new UsageError('Name the key with --id.')
      return { verb, keyId: values.id }
    default:
      throw new UsageError('Say what to do: create, list or revoke.')
  }
}

function parseKeyToMake({ cluster, owner, role, resource, expires }: Values): KeyToMake {
  if (cluster !== undefined && owner === undefined) throw new UsageError('Say whose key it is with --owner.')
  if (cluster === undefined && role !== undefined) throw new UsageError('--role goes with --cluster.')
  if (role === undefined && resource !== undefined) throw new UsageError('--resource goes with --role.')
  const expiresMs = expires === undefined ? undefined : parseIsoInstant(expires)
  if (expires !== undefined && expiresMs === undefined) {
    throw new UsageError(`--expires ${expires} is no time such as 2027-01-31T00:00:00Z.`)
  }
  const bindings = role === undefined ? [] : parseRole(role, resource)
  return { verb: 'create', owner: owner ?? 'operator', expiresMs, bindings }
}

function parseRole(name: string, resource: string | undefined): KeyToMake['bindings'] {
  const role = roleNames.find((one) => one === name)
  if (role === undefined) throw new UsageError(`--role ${name} is none of ${roleNames.join(', ')}.`)
  const bindings = bindingsOfRole({
    role,
    principal: '',
    resource: resource === undefined ? undefined : parseResource(resource),
  })
  if (bindings.length > 0) return bindings
  throw new UsageError(
    resource === undefined ? `${role} is about a --resource.` : `${role} is not about ${resource}.`,
  )
}

function parseResource(text: string) {
  const [, typeName, name = ''] = /^(\w+):(.+)$/.exec(text) ?? []
  const type = resourceTypes.find((one) => one === typeName)
  if (type === undefined) throw new UsageError(`--resource ${text} is not like TOPIC:orders.`)
  const isPrefix = name.length > 1 && name.endsWith('*')
  return {
    type,
    name: isPrefix ? name.slice(0, -1) : name,
    patternType: isPrefix ? ('PREFIXED' as const) : ('LITERAL' as const),
  }
}

/** Answers the exit code. */
export const workOnKeys = (work: KeyWork): Promise<number> =>
  withPlace(work.place, async (deps) => {
    const { what, clusterId } = work
    const made = createApiKeyStore(deps)
    if (what.verb === 'revoke') await made.revoke(what.keyId)
    if (what.verb === 'list') for (const key of await made.list({ clusterId })) print(renderKey(key))
    if (what.verb === 'create') {
      const apiKeys = createApiKeys({ ...deps, pepper: await pepperFor(work) })
      const resource = await findResource(deps, clusterId)
      const owner = await findOwner(deps, resource.organisationId, what.owner)
      const bindings = what.bindings.map((binding) => ({ ...binding, principal: owner }))
      if (clusterId !== undefined && bindings.length > 0) {
        await createAclStore({ ...deps, scope: createScope(clusterId) }).create(bindings)
      }
      const { expiresMs } = what
      const wanted = { ...resource, owner, description: 'made by a command', expiresMs }
      const { key, secret } = await apiKeys.create(wanted)
      print(`key      ${key.keyId}\nsecret   ${secret}\nowner    ${owner}`)
      if (clusterId !== undefined) print(`cluster  ${clusterId}`)
    }
    return 0
  })

async function findResource(deps: LogDeps, clusterId: string | undefined): Promise<KeyResource> {
  if (clusterId === undefined) return { clusterId }
  const cluster = await createClusterRegistry(deps).get(clusterId)
  if (cluster === undefined || cluster.state === 'DELETING')
    throw new Error(`There is no cluster ${clusterId}.`)
  return { clusterId, organisationId: cluster.organisationId }
}

/** The principal. Of an organisation: the service account of this id or name, or one that is made. */
async function findOwner(deps: LogDeps, organisationId: string | undefined, owner: string): Promise<string> {
  if (organisationId === undefined) return `User:${owner}`
  const accounts = createServiceAccounts(deps)
  const there = (await accounts.list(organisationId)).find(({ id, name }) => [id, name].includes(owner))
  if (there === undefined && owner.startsWith('sa-')) throw accountNotFound(owner)
  const account = there ?? (await accounts.create(organisationId, owner, 'made by a command'))
  return `User:${account.id}`
}

const pepperFor = async ({ place, environment }: KeyWork): Promise<KeyObject> =>
  place.kind === 'folder' ? loadPepper(place.folder) : pepperIn(environment)

function renderKey({ keyId, owner, createdMs, expiresMs, usedMs }: ApiKeyItem): string {
  const times = [
    `created ${renderTime(createdMs)}`,
    expiresMs === undefined ? 'never expires' : `expires ${renderTime(expiresMs)}`,
    usedMs === undefined ? 'never used' : `used ${renderTime(usedMs)}`,
  ]
  return `${keyId}  ${owner}  ${times.join(', ')}`
}

const renderTime = (ms: number): string => new Date(ms).toISOString()

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
