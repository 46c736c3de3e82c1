// A deleted cluster leaves nothing: table and bucket are byte for byte as they are where it never was.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../shared/base/limits.ts'
import { verify } from '../../../shared/compaction/verify.ts'
import type { ClusterItem } from '../../../shared/metadata/clusterItem.ts'
import type { Scope } from '../../../shared/metadata/scope.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import { eraseCluster } from '../../../shared/tenants/eraseCluster.ts'
import { watchKeys } from '../../support/keyWatch.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const doomed = 'lkc-doomed'
const never = () => false

async function start() {
  const watched = watchKeys(memoryPorts())
  const clock = createVirtualClock()
  const service = await createTestTenants({ ports: watched, clock })
  const { tenants, deps } = service
  await tenants.organisations.create('others', 'org-2')
  const erase = async (isOver: () => boolean = never): Promise<boolean> => {
    const cluster = await tenants.registry.get(doomed)
    assert.ok(cluster)
    return eraseCluster({ ...deps, clusters: tenants.registry }, cluster, isOver)
  }
  return { ...service, clock, watched, erase }
}

type World = Awaited<ReturnType<typeof start>>

/** Of every kind of item and object that a cluster can have. */
async function fill({ tenants, callAs, operatorKey, makeKey, clock, deps }: World): Promise<void> {
  await tenants.registry.create({ organisationId: 'org-2', name: 'doomed' }, doomed)
  await makeKey(doomed, 'User:sa-1')
  clock.advance(5000)
  const operator = callAs(operatorKey)
  const call = async (method: string, path: string, body?: unknown) => {
    const { status, body: answer } = await operator(method, path, body)
    assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(answer)}`)
  }
  const cluster = `/v3/clusters/${doomed}`
  for (const topic_name of ['small', 'large', 'deleted']) {
    await call('POST', `${cluster}/topics`, { topic_name, partitions_count: 20 })
    for (let sent = 0; sent < 30; sent++) {
      const data = topic_name === 'large' ? 'x'.repeat(20_000) : 'x'
      const record = { partition_id: sent % 20, value: { type: 'STRING', data } }
      await call('POST', `${cluster}/topics/${topic_name}/records`, record)
    }
  }
  await call('DELETE', `${cluster}/topics/deleted`)
  await call('POST', `${cluster}/producers`)
  const offset = { topic_name: 'small', partition_id: 0, offset: 1 }
  await call('POST', `${cluster}/consumer-groups/g:offsets/offsets:commit`, { offsets: [offset] })
  await call('POST', `${cluster}/consumer-groups/members:heartbeat`, {
    member_epoch: 0,
    subscribed_topic_names: ['small'],
    rebalance_timeout_ms: 60_000,
    topic_partitions: [],
  })
  const acl = { resource_type: 'TOPIC', resource_name: 'x', pattern_type: 'LITERAL', host: '*' }
  const grant = { ...acl, principal: 'User:sa-1', operation: 'READ', permission: 'ALLOW' }
  await call('POST', `${cluster}/acls`, grant)
  await call('POST', `${cluster}/compaction:run`, { topic_name: 'large' })
  await fillRest(deps, createScope(doomed))
}

/** What takes another process, another time or another dialect to make. */
async function fillRest({ table, objects }: World['deps'], scope: Scope): Promise<void> {
  const group = scope.consumerGroup('g2')
  const instance = group.instance('i')
  const keys = [
    instance,
    group.listedInstance(instance),
    ...scope.fixedPks.map((pk) => ({ pk, sk: 'left' })),
  ].filter(({ pk, sk }) => sk !== 'left' || !structured.some((name) => pk.endsWith(`/${name}`)))
  for (const key of keys) await table.write({ kind: 'put', key, attributes: {} })
  await objects.putIfAbsent(scope.segmentObject('0123456789abcdef0123456789abcdef'), [new Uint8Array(9)])
}

/** Whose items are read for what they lead to. */
const structured = ['topics', 'deleted', 'groups', 'instances', 'inline', 'keys']

test('nothing is left of a cluster that was deleted, and nothing else is touched', async () => {
  const world = await start()
  const { tenants, watched, clock, erase } = world
  const before = await watched.dump()
  await fill(world)
  await tenants.pool.idle()
  assert.ok((await watched.dump()).items.length > before.items.length + 100)
  await tenants.registry.update(doomed, () => ({ state: 'DELETING' }))
  clock.advance(limits.graceMs + 1)
  assert.equal(await erase(), true)
  assert.deepEqual(await settled(watched), withoutUse(before))
  const found: unknown[] = []
  const listener = { finding: (finding: unknown) => found.push(finding), progress: () => {} }
  const { topics, objects, inlineItems, retired } = await verify(
    { ...world.deps, scope: createScope(doomed) },
    listener,
  )
  assert.deepEqual([found, topics, objects, inlineItems, retired], [[], 0, 0, 0, 0])
})

test('keys go at once, everything else when nobody can be at it any more', async () => {
  const world = await start()
  const { tenants, watched, clock, erase } = world
  await fill(world)
  await tenants.registry.update(doomed, () => ({ state: 'DELETING' }))
  const filled = await watched.dump()
  assert.equal(await erase(), false)
  assert.deepEqual(await tenants.apiKeys.list({ clusterId: doomed }), [])
  const { items, objects } = await watched.dump()
  assert.equal(items.length, filled.items.length - 2)
  assert.deepEqual(objects, filled.objects)
  clock.advance(limits.graceMs - 1)
  assert.equal(await erase(), false)
  clock.advance(1)
  assert.equal(await erase(), true)
})

test('a deletion that is stopped anywhere goes on where it was', async () => {
  const world = await start()
  const { tenants, watched, clock, erase } = world
  const before = await watched.dump()
  await fill(world)
  await tenants.registry.update(doomed, () => ({ state: 'DELETING' }))
  clock.advance(limits.graceMs + 1)
  let passes = 0
  for (let isErased = false; !isErased; passes++) {
    let asked = 0
    isErased = await erase(() => ++asked > 20)
    assert.ok(passes < 1000)
  }
  assert.ok(passes > 5)
  assert.deepEqual(await settled(watched), withoutUse(before))
})

test('a cluster that nobody deleted is not erased, nor one whose deletion was asked for just now again', async () => {
  const world = await start()
  const { tenants, watched, clock, erase } = world
  await fill(world)
  const filled = await watched.dump()
  clock.advance(limits.graceMs + 1)
  assert.equal(await erase(), false)
  assert.deepEqual(await watched.dump(), filled)
  const deleted = async (): Promise<ClusterItem> =>
    tenants.registry.update(doomed, () => ({ state: 'DELETING' }))
  const first = await deleted()
  clock.advance(1000)
  assert.equal((await deleted()).deletedMs, first.deletedMs)
})

const settled = async (watched: World['watched']) => withoutUse(await watched.dump())

/** But for when the operator's key was used. */
function withoutUse({ items, objects }: Awaited<ReturnType<World['watched']['dump']>>) {
  return {
    objects,
    items: items.map(({ key, attributes: { used: _, ...attributes } }) => ({ key, attributes })),
  }
}
