import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../../support/call.ts'
import { createTestApp } from '../../../support/testCluster.ts'

test('every producer gets an id that no other has, and begins with epoch 0', async () => {
  const { app, cluster } = createTestApp()
  const { clusterId } = cluster
  const call = createCall(app, `/v3/clusters/${clusterId}`)
  const answers = await Promise.all(Array.from({ length: 20 }, () => call('POST', '/producers')))
  for (const { status, body } of answers) {
    assert.equal(status, 201)
    assert.ok(Number.isSafeInteger(body.producer_id))
    assert.equal(body.producer_epoch, 0)
  }
  assert.equal(new Set(answers.map(({ body }) => body.producer_id)).size, 20)
})

test('a cluster that is not there gives no ids', async () => {
  const { app } = createTestApp()
  assert.equal((await createCall(app)('POST', '/v3/clusters/elsewhere/producers')).status, 404)
})
