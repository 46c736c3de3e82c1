import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../../support/call.ts'
import { createTestApp } from '../../../support/testCluster.ts'

const { app, cluster } = createTestApp()
const { clusterId } = cluster
const call = createCall(app, '/v3')
const self = `http://localhost/v3/clusters/${clusterId}`

test('the list of clusters and a cluster link to everything else of theirs', async () => {
  const list = await call('GET', '/clusters')
  assert.equal(list.status, 200)
  assert.equal(list.body.kind, 'KafkaClusterList')
  assert.deepEqual(list.body.metadata, { self: 'http://localhost/v3/clusters', next: null })
  const one = await call('GET', `/clusters/${clusterId}`)
  assert.deepEqual(list.body.data, [one.body])
  assert.deepEqual(one.body.metadata, { self, resource_name: `crn:///kafka=${clusterId}` })
  assert.deepEqual(one.body.topics, { related: `${self}/topics` })
})

test('links stand on the host and under the prefix that the caller used', async () => {
  const cloud = await app.request(`https://api.example:9443/kafka/v3/clusters/${clusterId}`)
  const { metadata } = (await cloud.json()) as { metadata: { self: string } }
  assert.equal(metadata.self, `https://api.example:9443/kafka/v3/clusters/${clusterId}`)
})

test('/kafka/v3 serves what /v3 serves', async () => {
  const [short, long] = await Promise.all([
    app.request(`/v3/clusters/${clusterId}/topics`),
    app.request(`/kafka/v3/clusters/${clusterId}/topics`),
  ])
  assert.equal(await short.text(), (await long.text()).replaceAll('/kafka/v3', '/v3'))
})

test('another cluster is not found, under every route', async () => {
  for (const path of [
    '',
    '/brokers',
    '/brokers/1',
    '/topics',
    '/topics/t',
    '/topics/t/configs',
    '/topics/-/configs',
    '/topics/t/default-configs',
    '/topics/t/partitions/0/offset',
  ]) {
    const answer = await call('GET', `/clusters/elsewhere${path}`)
    assert.equal(answer.status, 404, path)
    assert.equal(answer.body.error_code, 404, path)
    assert.match(answer.body.message, /elsewhere/)
  }
})

test('one logical broker stands for all, without an address', async () => {
  const list = await call('GET', `/clusters/${clusterId}/brokers`)
  const one = await call('GET', `/clusters/${clusterId}/brokers/1`)
  assert.deepEqual(list.body.data, [one.body])
  assert.equal(one.body.broker_id, 1)
  assert.equal(one.body.host, null)
  assert.equal((await call('GET', `/clusters/${clusterId}/brokers/2`)).status, 404)
  assert.equal((await call('GET', `/clusters/${clusterId}/brokers/01`)).status, 400)
})
