import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../../shared/http/app.ts'
import { createEdge } from '../../../support/edgeDeps.ts'

test('health says the version and how long one read of the storage took', async () => {
  const response = await createApp(createEdge().deps).request('/health')
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await response.json(), { status: 'ok', version: '1.2.3', storage_read_ms: 0 })
})

test('health is 503 where the storage fails, and the operator learns why', async () => {
  const error = new Error('secret')
  const { deps, failures } = createEdge({ probeStorage: () => Promise.reject(error) })
  const response = await createApp(deps).request('/health')
  assert.equal(response.status, 503)
  assert.deepEqual(await response.json(), { status: 'unavailable', version: '1.2.3', storage_read_ms: 0 })
  assert.deepEqual(failures, [error])
})

test('health is 503 where the storage does not answer in time', async () => {
  let now = 0
  const sleep = (ms: number) => {
    now += ms
    return Promise.resolve()
  }
  const probeStorage = () => Promise.withResolvers<void>().promise
  const { deps } = createEdge({ probeStorage, clock: { now: () => now, sleep } })
  const response = await createApp(deps).request('/health')
  assert.equal(response.status, 503)
  assert.deepEqual(await response.json(), { status: 'unavailable', version: '1.2.3', storage_read_ms: 2000 })
})
