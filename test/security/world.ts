// A deployment in memory with one of everything that a request can name, the credentials that the matrix tries, and a
// way to ask for an endpoint.

import assert from 'node:assert/strict'
import { encodeFlushFooter } from '../../shared/metadata/flushFooter.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import { createServiceAccounts } from '../../shared/tenants/serviceAccounts.ts'
import { type Touched, watchKeys } from '../support/keyWatch.ts'
import { memoryPorts } from '../support/testCluster.ts'
import { type ApiKeyPair, authorizationOf, createTestTenants } from '../support/testTenants.ts'
import { createVirtualClock } from '../support/virtualClock.ts'
import {
  accountOf,
  organisationHere,
  type RequestParts,
  type Right,
  type Row,
  storedObject,
} from './rights.ts'

export const otherCluster = 'lkc-other'
const cluster = '/v3/clusters/local'

/** `touch` sees every key; `secret` is what records of the cluster `local` hold. */
export async function createWorld(touch: (touched: Touched) => void = () => {}, secret = 'v') {
  const clock = createVirtualClock()
  const watched = watchKeys(memoryPorts(), touch)
  const service = await createTestTenants({ clock, ports: watched })
  const { tenants, deps, callAs, operatorKey, makeKey } = service
  const operator = callAs(operatorKey)
  const done = async (method: string, path: string, body?: unknown) => {
    const answer = await operator(method, path, body)
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  await fillCluster(done, secret)
  // Of several clusters a path without one would mean none.
  await tenants.registry.create({ organisationId: organisationHere, name: 'other' }, otherCluster)
  clock.advance(5000)
  const footer = encodeFlushFooter([])
  await deps.objects.putIfAbsent(createScope('local').logObject(storedObject('here')), [footer])
  const ids = await fillDeployment(service, done)
  return {
    ...service,
    clock,
    dump: watched.dump,
    ids,
    async bind(principal: string, rights: readonly Right[], clusterId = 'local'): Promise<void> {
      if (rights.length === 0) return
      const data = rights.map((right) => bindingOf(principal, right))
      await done('POST', `/v3/clusters/${clusterId}/acls:batch`, { data })
      clock.advance(5000)
    },
    /** Everything by which something of a cluster is known. */
    async lootOf(clusterId: string, keyId: string) {
      const { topicId } = await tenants.pool.get(clusterId).describeTopic('topic-here')
      const { objects } = await watched.dump()
      return { clusterId, topicId, keyId, objectNames: objects.map(({ name }) => name) }
    },
    /** With a right secret, by keys that are not good any more. */
    async endedKeys(): Promise<{ readonly expired: ApiKeyPair; readonly revoked: ApiKeyPair }> {
      const wanted = {
        clusterId: 'local',
        owner: 'User:newcomer',
        description: '',
        expiresMs: clock.now() - 1,
      }
      const expired = await tenants.apiKeys.create(wanted)
      const revoked = await makeKey('local', 'User:newcomer')
      await tenants.apiKeys.revoke(revoked.id)
      return { expired: { id: expired.key.keyId, secret: expired.secret }, revoked }
    },
  }
}

type Done = (method: string, path: string, body?: unknown) => Promise<{ readonly id: string }>

/** One of everything that is administered; answers their ids, by the name of their collection. */
async function fillDeployment(
  { deps, makeKey }: Pick<Awaited<ReturnType<typeof createTestTenants>>, 'deps' | 'makeKey'>,
  done: Done,
) {
  // Bytes that are all 0: an id of nothing but the first letter.
  const random = { ...deps.random, bytes: (length: number) => new Uint8Array(length) }
  const account = await createServiceAccounts({ ...deps, random }).create(organisationHere, 'here', '')
  assert.equal(account.id, accountOf('here'))
  const empty = await done('POST', '/org/v2/organizations', { display_name: 'empty' })
  const providers = '/iam/v2/identity-providers'
  const provider = await done('POST', providers, { display_name: 'here', issuer: 'https://here.example' })
  const pool = await done('POST', `${providers}/${provider.id}/identity-pools`, {
    display_name: 'here',
    identity_claim: 'claims.sub',
    audience: 'here',
    resource: { id: 'local' },
  })
  return {
    'service-accounts': account.id,
    'api-keys': (await makeKey('local', 'User:doomed')).id,
    'identity-providers': provider.id,
    'identity-pools': pool.id,
    clusters: otherCluster,
    organizations: empty.id,
  }
}

/** Of things that are not there. */
export const goneIds = {
  'service-accounts': accountOf('gone'),
  'api-keys': 'AAAAAAAAAAAAAAAB',
  'identity-providers': 'op-aaaaaaaaab',
  'identity-pools': 'pool-aaaaaaaaab',
  clusters: 'lkc-nowhere',
  organizations: 'org-nowhere',
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** Without a key: without credentials. */
export async function ask(
  { app }: Pick<World, 'app'>,
  key: ApiKeyPair | undefined,
  asked: Asked,
): Promise<Answer> {
  const { method, path, body, headers } = asked
  const type = body === undefined || body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }
  const authorization = key && { authorization: authorizationOf(key) }
  const sent = body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body)
  const answer = await app.request(path, {
    method,
    headers: { ...type, ...authorization, ...headers },
    ...(sent === undefined ? {} : { body: sent }),
  })
  return { status: answer.status, text: await answer.text() }
}

export type World = Awaited<ReturnType<typeof createWorld>>

async function fillCluster(
  done: (method: string, path: string, body?: unknown) => Promise<unknown>,
  secret: string,
): Promise<void> {
  await done('POST', `${cluster}/topics`, { topic_name: 'topic-here', partitions_count: 2 })
  const record = { partition_id: 0, value: { type: 'STRING', data: secret } }
  for (let sent = 0; sent < 3; sent++) await done('POST', `${cluster}/topics/topic-here/records`, record)
  const offset = { topic_name: 'topic-here', partition_id: 0, offset: 1 }
  await done('POST', `${cluster}/consumer-groups/group-here/offsets:commit`, { offsets: [offset] })
  await done('POST', `${cluster}/consumer-groups/crowd-here:heartbeat`, {
    member_id: 'member-here',
    member_epoch: 0,
    subscribed_topic_names: ['topic-here'],
    rebalance_timeout_ms: 60_000,
    topic_partitions: [],
  })
  for (const name of ['inst-here', 'fresh-here']) await done('POST', '/consumers/insts-here', { name })
  const partitions = [{ topic: 'topic-here', partition: 0 }]
  await done('POST', '/consumers/insts-here/instances/inst-here/assignments', { partitions })
}

function bindingOf(principal: string, right: Right) {
  const [operation, type] = right.split(' ')
  return {
    resource_type: type,
    resource_name: type === 'CLUSTER' ? 'kafka-cluster' : '*',
    pattern_type: 'LITERAL',
    principal,
    host: '*',
    operation,
    permission: 'ALLOW',
  }
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

/** `name`: here, where everything named is there, or gone. */
export function requestOf(
  operation: string,
  row: Row,
  name: string,
  ids: World['ids'],
  clusterId = 'local',
): Asked {
  const [method = '', template = ''] = operation.split(' ')
  const { query = '', body, headers = {}, path = {} }: RequestParts = row.request(name)
  const values: Record<string, string> = {
    cluster_id: clusterId,
    topic_name: `topic-${name}`,
    partition_id: '0',
    broker_id: '1',
    name: 'retention.ms',
    consumer_group_id: `group-${name}`,
    consumer_id: `member-${name}`,
    group_name: `insts-${name}`,
    instance: `inst-${name}`,
    provider_id: ids['identity-providers'],
    ...path,
  }
  const filled = template.replaceAll(/([\w-]+)\/{(\w+)}/g, (_, parent: string, parameter: string) => {
    const value =
      values[parameter] ?? (parameter === 'id' ? new Map(Object.entries(ids)).get(parent) : undefined)
    assert.ok(value !== undefined, `give parameter ${parameter} a value in test/security/world.ts`)
    return `${parent}/${value}`
  })
  return { method, path: filled + query, body, headers }
}
