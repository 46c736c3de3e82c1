import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorName, errorTable, KafkaError, StorageError } from '../../../shared/base/errors.ts'
import { createApp } from '../../../shared/http/app.ts'
import { errorBody } from '../../../shared/http/errors.ts'
import { createEdge } from '../../support/edgeDeps.ts'

// An app whose every look at its caller fails in this way.
function failing(error: unknown) {
  const { deps, failures } = createEdge({
    authenticate: () => Promise.reject(error),
  })
  return { app: createApp(deps), failures }
}

test('every error of the table is answered with its status, its code and its sentence', async () => {
  for (const code of Object.keys(errorTable) as ErrorName[]) {
    if (code === 'INTERNAL') continue
    const { app, failures } = failing(new KafkaError(code, 'the sentence'))
    const response = await app.request('/v3/clusters/c')
    assert.equal(response.status, errorTable[code].status, code)
    assert.deepEqual(await response.json(), { error_code: errorTable[code].rest, message: 'the sentence' })
    assert.equal(failures.length, 0)
  }
})

test('a mistake of ours is reported to the operator and answered with the request id alone', async () => {
  for (const error of [new TypeError('secret'), new KafkaError('INTERNAL', 'secret')]) {
    const { app, failures } = failing(error)
    const response = await app.request('/v3/clusters/c', { headers: { 'x-request-id': 'abc' } })
    assert.equal(response.status, 500)
    assert.equal(response.headers.get('x-request-id'), 'abc')
    assert.deepEqual(await response.json(), { error_code: 500, message: 'Internal error, request id abc' })
    assert.deepEqual(failures, [error])
  }
})

test('a storage that failed is 503, and 504 where its answer was lost: the change may stand', async () => {
  for (const [effect, status] of [
    ['none', 503],
    ['unknown', 504],
  ] as const) {
    const { app, failures } = failing(new StorageError(effect, 'secret'))
    const response = await app.request('/v3/clusters/c')
    assert.equal(response.status, status)
    const body = await response.text()
    assert.match(body, effect === 'none' ? /nothing was changed/ : /may have been made/)
    assert.doesNotMatch(body, /secret/)
    assert.equal(failures.length, 1)
  }
})

test('a throttled answer says when to try again, in whole seconds', async () => {
  const { app } = failing(new KafkaError('THROTTLING_QUOTA_EXCEEDED', 'slow down', { retryAfterMs: 1200 }))
  const { headers } = await app.request('/v3/clusters/c')
  assert.deepEqual([headers.get('retry-after'), headers.get('millrace-throttle-time-ms')], ['2', '1200'])
  const busy = failing(new KafkaError('SERVICE_BUSY', 'busy'))
  assert.equal((await busy.app.request('/v3/clusters/c')).headers.get('retry-after'), '1')
})

test('the v2 dialect has its own code for an unknown topic and its own media type', async () => {
  const error = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'no such topic')
  assert.equal(errorBody(error).error_code, 40403)
  assert.equal(errorBody(error, 'v2').error_code, 40401)
  const response = await failing(error).app.request('/topics/t')
  assert.equal(response.headers.get('content-type'), 'application/vnd.kafka.v2+json')
  assert.deepEqual(await response.json(), { error_code: 40401, message: 'no such topic' })
})

test('an unknown path is 404 under every prefix', async () => {
  const app = createApp(createEdge().deps)
  for (const path of [
    '/nowhere',
    '/v3',
    '/v3/nowhere',
    '/kafka/v3/nowhere',
    '/v3/clusters/',
    '/kafka/topics',
  ]) {
    const response = await app.request(path)
    assert.equal(response.status, 404, path)
    assert.deepEqual(await response.json(), { error_code: 404, message: 'HTTP 404 Not Found' })
  }
})

test('a known path with another method is 405 and says which methods it takes', async () => {
  const app = createApp(createEdge().deps)
  const cases = [
    ['PUT', '/v3/clusters/c/topics', 'GET, POST, HEAD'],
    ['POST', '/kafka/v3/clusters/c/topics/t', 'DELETE, GET, PATCH, HEAD'],
    ['GET', '/v3/clusters/c/topics/t/configs:alter', 'POST'],
    ['GET', '/v3/clusters/c/topics/t/partitions/0/records:delete', 'POST'],
    ['OPTIONS', '/v3/clusters', 'GET, HEAD'],
    ['DELETE', '/health', 'GET, HEAD'],
  ] as const
  for (const [method, path, allow] of cases) {
    const response = await app.request(path, { method })
    assert.equal(response.status, 405, `${method} ${path}`)
    assert.equal(response.headers.get('allow'), allow)
    assert.match(await response.text(), /"error_code":405/)
  }
})

test('the text after a colon is part of the path: another word is another, unknown path', async () => {
  const app = createApp(createEdge().deps)
  for (const path of ['configsalter', 'configs:change', 'configs:', 'configs%3A']) {
    const response = await app.request(`/v3/clusters/c/topics/t/${path}`, { method: 'POST' })
    assert.equal(response.status, 404, path)
  }
})

test('a request id is repeated if it is safe in a log and replaced if it is not', async () => {
  const app = createApp(createEdge().deps)
  const ask = async (id: string) =>
    (await app.request('/health', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
  assert.equal(await ask('Root=1-67891233:a.b_c'), 'Root=1-67891233:a.b_c')
  const made = await ask('a b')
  assert.match(made ?? '', /^[\w-]{16}$/)
  for (const id of ['', 'x'.repeat(129), 'a"b', 'é']) assert.equal(await ask(id), made)
  assert.equal((await app.request('/nowhere')).headers.get('x-request-id'), made)
})

test('every answer forbids the browser to guess its type', async () => {
  const app = createApp(createEdge().deps)
  for (const path of ['/', '/health', '/nowhere']) {
    assert.equal((await app.request(path)).headers.get('x-content-type-options'), 'nosniff')
  }
})
