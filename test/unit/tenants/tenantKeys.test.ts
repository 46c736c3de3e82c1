// A tenant's own key: who asks for it, how often, and that no record of such a tenant lies in the table.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { kmsKeyArnPattern } from '../../../shared/metadata/clusterItem.ts'
import { createScope, deploymentObject, tenantIdOf } from '../../../shared/metadata/scope.ts'
import { createIssuerNetwork } from '../../../shared/runtime/issuerNetwork.ts'
import { createTenants } from '../../../shared/runtime/tenants.ts'
import { defaultClusterSettings } from '../../../shared/service/settings.ts'
import { createClusterRegistry } from '../../../shared/tenants/clusters.ts'
import { createTenantKeys } from '../../../shared/tenants/tenantKeys.ts'
import { countCalls } from '../../support/counting.ts'
import { createTopic, record } from '../../support/logTools.ts'
import { createTestCluster, memoryPorts } from '../../support/testCluster.ts'
import { createTestTenants, testPepper } from '../../support/testTenants.ts'

const key = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

async function createKeys() {
  const counted = countCalls(memoryPorts())
  const { deps } = await createTestTenants({ ports: counted })
  const registry = createClusterRegistry(deps)
  const wanted = { organisationId: 'org-1', name: 'x' }
  await registry.create({ ...wanted, kmsKeyArn: key }, 'lkc-own')
  await registry.create(wanted, 'lkc-shared')
  return { counted, deps, registry, wanted, tenantKeyOf: createTenantKeys(registry, deps.clock) }
}

test('the key of a tenant is read once', async () => {
  const { counted, tenantKeyOf } = await createKeys()
  const ask = async () => [await tenantKeyOf('lkc-own'), await tenantKeyOf('lkc-shared')]
  assert.deepEqual(await ask(), [key, undefined])
  const { tableReads } = await counted.during(ask)
  assert.equal(tableReads, 0)
})

test('that there is no such tenant is not remembered', async () => {
  const { registry, wanted, tenantKeyOf } = await createKeys()
  assert.equal(await tenantKeyOf('lkc-later'), undefined)
  await registry.create({ ...wanted, kmsKeyArn: key }, 'lkc-later')
  assert.equal(await tenantKeyOf('lkc-later'), key)
})

test('a key outlives every change of its cluster', async () => {
  const { registry } = await createKeys()
  await registry.update('lkc-own', () => ({ name: 'y', state: 'SUSPENDED' }))
  assert.equal((await registry.get('lkc-own'))?.kmsKeyArn, key)
})

test("an object's name says whose it is, and the deployment's own is nobody's", async () => {
  const { logObject, segmentObject } = createScope('lkc-own')
  for (const nameOf of [logObject, segmentObject]) assert.equal(tenantIdOf(nameOf('0'.repeat(32))), 'lkc-own')
  const { counted, tenantKeyOf } = await createKeys()
  const asked = await counted.during(async () => {
    assert.equal(await tenantKeyOf(tenantIdOf(deploymentObject)), undefined)
  })
  assert.equal(asked.tableReads, 0)
})

test('small records of a tenant with a key go into an object, whatever their topic asks for', async () => {
  const { counted, deps, tenantKeyOf } = await createKeys()
  const { pool } = createTenants(
    { ...deps, tenantKeyOf },
    {
      cluster: defaultClusterSettings,
      pepper: testPepper,
      network: createIssuerNetwork(true),
      tellAudit: () => undefined,
      compaction: () => undefined,
    },
  )
  for (const [clusterId, writePath, puts] of [
    ['lkc-own', 'auto', 1],
    ['lkc-own', 'inline', 1],
    ['lkc-shared', 'auto', 0],
    ['lkc-shared', 'inline', 0],
  ] as const) {
    const cluster = pool.get(clusterId)
    const configs = [{ name: 'millrace.write.path', value: writePath }]
    await cluster.createTopic({ name: writePath, configs, validateOnly: false })
    const produced = await counted.during(async () => {
      await cluster.produceRecords(writePath, [record('small')])
      await cluster.idle()
    })
    assert.equal(produced.puts, puts, `${clusterId} ${writePath}`)
  }
})

test('while a key is refused appends are answered with 503 that says so', async () => {
  const ports = memoryPorts()
  const refused = new StorageError('none', `S3: KMS.DisabledException: ${key} is disabled`, {
    keyRefused: true,
  })
  const objects = { ...ports.objects, putIfAbsent: () => Promise.reject(refused) }
  const cluster = createTestCluster({ ...ports, objects })
  await createTopic(cluster, 't', 1, { 'millrace.write.path': 's3' })
  const [outcome] = await cluster.produceRecords('t', [record('x')])
  assert.ok(outcome?.ok === false)
  assert.deepEqual([outcome.error.code, outcome.error.row.status], ['KAFKA_STORAGE_ERROR', 503])
  assert.match(outcome.error.message, /the KMS key of the cluster's records is disabled/)
  assert.ok(!outcome.error.message.includes('arn:'))
})

test('a key is named by its ARN alone', () => {
  assert.match(key, kmsKeyArnPattern)
  assert.match(
    key.replace('arn:aws:', 'arn:aws-us-gov:').replace('1234abcd', 'mrk-1234abcd'),
    kmsKeyArnPattern,
  )
  for (const no of [
    '',
    '*',
    `${key}*`,
    `${key}\n`,
    key.replace('key/', 'alias/'),
    key.replace(':111122223333', ':'),
  ])
    assert.doesNotMatch(no, kmsKeyArnPattern)
})
