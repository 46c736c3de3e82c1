import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiKeyPair, authorizationOf, createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const mebibyte = 1024 * 1024
const other = 'lkc-other'

/** Two clusters of one process, each with a topic `t` and a key that may do everything there. */
async function createNeighbours() {
  const clock = createVirtualClock()
  const world = await createTestTenants({ clock })
  const local = await world.tenants.registry.get('local')
  assert.ok(local)
  await world.tenants.registry.create({ organisationId: local.organisationId, name: 'other' }, other)
  const keyOf = async (clusterId: string) => {
    const admin = world.callAs(world.operatorKey, `/v3/clusters/${clusterId}`)
    assert.equal((await admin('POST', '/topics', { topic_name: 't' })).status, 201)
    const grant = { role_name: 'CloudClusterAdmin', principal: 'User:sa-1' }
    assert.equal((await admin('POST', '/acls:grant', grant)).status, 201)
    return world.makeKey(clusterId, 'User:sa-1')
  }
  return { ...world, clock, greedyKey: await keyOf('local'), neighbourKey: await keyOf(other) }
}

type Neighbours = Awaited<ReturnType<typeof createNeighbours>>

/** A produce request of 1 MiB of which a byte comes each nine seconds: within each idle limit. */
function sendSlowly({ app, clock, greedyKey }: Neighbours) {
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await clock.sleep(9000)
      controller.enqueue(Buffer.from(' '))
      if (++sent === 100) controller.close()
    },
  })
  const headers = {
    authorization: authorizationOf(greedyKey),
    'content-type': 'application/json',
    'content-length': String(mebibyte),
  }
  return app.request('/v3/clusters/local/topics/t/records', {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as RequestInit)
}

const large = JSON.stringify({ value: { type: 'STRING', data: 'x'.repeat(900 * 1024) } })
const produce = ({ callAs, neighbourKey }: Neighbours) =>
  callAs(neighbourKey, `/v3/clusters/${other}`)('POST', '/topics/t/records', large, {
    'content-length': String(large.length),
  })

test('a tenant that sends many large bodies slowly keeps no other from sending one', async () => {
  const world = await createNeighbours()
  assert.equal((await produce(world)).status, 200)
  const slow = Array.from({ length: 20 }, () => sendSlowly(world))
  await world.clock.sleep(1000)
  const late = world.clock.sleep(5000).then(() => ({ status: 'waits for the slow ones' }))
  assert.equal((await Promise.race([produce(world), late])).status, 200)
  const statuses = await Promise.all(slow.map(async (answer) => (await answer).status))
  assert.deepEqual(new Set(statuses), new Set([408]))
})

test('whose share a request takes: of its cluster, of its organisation, or of the operators', async () => {
  const { tenants, operatorKey, greedyKey, neighbourKey, makeOrganisationKey } = await createNeighbours()
  const tenantOf = async (key: ApiKeyPair) => {
    const request = new Request('http://localhost/', { headers: { authorization: authorizationOf(key) } })
    return (await tenants.authenticate(request, '127.0.0.1', 'request-1')).tenant
  }
  assert.equal(await tenantOf(greedyKey), 'local')
  assert.equal(await tenantOf(neighbourKey), other)
  const organisation = (await tenants.registry.get('local'))?.organisationId
  assert.equal(await tenantOf(await makeOrganisationKey(organisation)), organisation)
  assert.equal(await tenantOf(operatorKey), 'operators')
})
