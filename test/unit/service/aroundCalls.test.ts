// What is counted and held back is every call of a cluster, and a call that is new is not forgotten.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScope } from '../../../shared/metadata/scope.ts'
import { readUsage, sumUsage } from '../../../shared/metering/readUsage.ts'
import { createQuotaStore } from '../../../shared/quotas/quotaStore.ts'
import { createAclStore } from '../../../shared/security/aclStore.ts'
import { aroundCalls } from '../../../shared/service/aroundCalls.ts'
import type { Cluster } from '../../../shared/service/cluster.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

/** Of what is there to be called, the names: `groups.heartbeat`. */
function calls(of: object, prefix = ''): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const [name, value] of Object.entries(of)) {
    if (typeof value === 'function') found.set(prefix + name, value)
    else if (typeof value === 'object' && value !== null) {
      for (const [inner, call] of calls(value, `${prefix}${name}.`)) found.set(inner, call)
    }
  }
  return found
}

/** With everything that a cluster may have. */
type WholeCluster = { readonly [Part in keyof Cluster]: NonNullable<Cluster[Part]> }

test('every call passes, but for what asks nothing of the storage', async () => {
  const { tenants, deps } = await createTestTenants()
  const scope = createScope('local')
  const { describe, alter } = createQuotaStore({ ...deps, scope })
  const acls = createAclStore({ ...deps, scope })
  const cluster: WholeCluster = {
    ...tenants.pool.get('local'),
    clientQuotas: { describe, alter },
    acls: { list: acls.list, create: acls.create, delete: acls.delete },
    usage: async () => [],
  }
  const around = aroundCalls(cluster, (call) => call())
  const before = calls(cluster)
  const passing = [...calls(around)].filter(([name, call]) => call !== before.get(name)).map(([name]) => name)
  const direct = [...before.keys()].filter((name) => !passing.includes(name)).sort()
  assert.deepEqual(direct, ['admitProduce', 'defaultConfigs', 'idle'])
})

const grant = {
  ...{ resource_type: 'TOPIC', resource_name: 't', pattern_type: 'LITERAL' },
  ...{ principal: 'User:b', host: '*', operation: 'READ', permission: 'ALLOW' },
}
const everything = { ...grant, resource_name: '*', principal: 'User:a', operation: 'ALL' }
const everywhere = [
  everything,
  { ...everything, resource_type: 'GROUP' },
  { ...everything, resource_type: 'CLUSTER', resource_name: 'kafka-cluster' },
]

/** Each look at the table takes a millisecond. */
function slowPorts() {
  const clock = createVirtualClock()
  const { objects, table } = memoryPorts()
  const query: typeof table.query = (wanted) => {
    clock.advance(1)
    return table.query(wanted)
  }
  return { clock, ports: { objects, table: { ...table, query } } }
}

async function start() {
  const { clock, ports } = slowPorts()
  const service = await createTestTenants({ clock, ports })
  const { deps, keyOf, operator, tenants } = service
  await operator('POST', '/acls:batch', { data: everywhere })
  const requests = async () => {
    await tenants.close()
    const hours = await readUsage({ ...deps, scope: createScope('local') }, 0, clock.now() + 1)
    return sumUsage(hours, 'request_count', Number.POSITIVE_INFINITY, ['principal'])
      .filter(({ labels }) => labels.principal === 'User:a')
      .reduce((sum, { value }) => sum + value, 0)
  }
  const caller = await keyOf('User:a')
  const atRoot = await keyOf('User:a', 'local', '')
  const format = { name: 'i', format: 'json' }
  assert.equal((await atRoot('POST', '/consumers/g', format, v2)).status, 200)
  /** What passed by the quotas once; instances as they are called where nothing else is called for them. */
  const all = [
    () => caller('GET', '/acls'),
    () => caller('POST', '/acls', grant),
    () => caller('DELETE', '/acls?resource_type=TOPIC&pattern_type=LITERAL&operation=READ&permission=ALLOW'),
    () => atRoot('GET', '/metrics'),
    () => atRoot('POST', '/consumers/g/instances/i/assignments', { partitions: [] }, v2),
    () => atRoot('DELETE', '/consumers/g/instances/i', undefined, v2),
  ]
  return { operator, requests, all }
}

const v2 = { 'content-type': 'application/vnd.kafka.v2+json' }

test('changes of bindings, looks at the usage and calls of an idle instance are requests', async () => {
  const { requests, all } = await start()
  const before = await requests()
  for (const [i, call] of all.entries()) {
    const { status } = await call()
    assert.ok(status < 300, `${i}: ${status}`)
    assert.equal(await requests(), before + i + 1, `${i}`)
  }
})

test('nobody who used up the compute time changes bindings, looks at the usage or calls an instance', async () => {
  const { operator, all } = await start()
  const entity = [{ entity_type: 'user', entity_name: 'a' }]
  const alter = { entity, ops: [{ key: 'request_percentage', value: 0.000001 }] }
  assert.equal((await operator('POST', '/client-quotas', { data: [alter] })).status, 204)
  const [first, ...others] = all
  assert.equal((await first?.())?.status, 200)
  for (const [i, call] of others.entries()) assert.equal((await call()).status, 429, `${i}`)
})
