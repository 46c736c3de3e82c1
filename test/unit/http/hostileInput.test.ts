// What only somebody sends who wants to be understood in two ways: refused by its form, whatever it asks for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../support/call.ts'
import { createTestApp } from '../../support/testCluster.ts'

const start = () => {
  const { app, cluster } = createTestApp()
  return { app, call: createCall(app, `/v3/clusters/${cluster.clusterId}`) }
}

test('a URL that is no percent-encoded UTF-8 is refused, and names nothing', async () => {
  const { app } = start()
  const v2 = { 'content-type': 'application/vnd.kafka.v2+json' }
  for (const encoded of ['%c0%af', '%zz', '%', '%ed%a0%80', 'a%ff', '%e2%80']) {
    for (const [method, path] of [
      ['POST', `/consumers/${encoded}`],
      ['GET', `/v3/clusters/${encoded}`],
      ['GET', `/health?q=${encoded}`],
    ] as const) {
      const body = method === 'POST' ? { body: '{}', headers: v2 } : {}
      const answer = await app.request(path, { method, ...body })
      assert.equal(answer.status, 400, path)
      assert.match(JSON.stringify(await answer.json()), /percent-encoded UTF-8/)
    }
  }
  assert.equal((await app.request('/health?q=%E2%80%AE%25')).status, 200)
})

test('keys of prototypes are refused by their names, wherever in a body and however they are written', async () => {
  const { call } = start()
  for (const [body, key] of [
    ['{"topic_name":"a","__proto__":{"validate_only":true}}', '__proto__'],
    ['{"topic_name":"a","\\u005f_proto__":1}', '__proto__'],
    ['{"topic_name":"a","constructor":{"prototype":{"x":1}}}', 'prototype'],
    ['{"topic_name":"a","configs":[{"name":"retention.ms","value":"1","__proto__":{}}]}', '__proto__'],
  ] as const) {
    const answer = await call('POST', '/topics', body)
    assert.equal(answer.status, 400, body)
    assert.equal(answer.body.message, `Request body: ${key} is no name of a field.`)
  }
  assert.deepEqual((await call('GET', '/topics')).body.data, [])
})

test('as values the same words are words', async () => {
  const { call } = start()
  for (const name of ['__proto__', 'constructor', 'prototype']) {
    assert.equal((await call('POST', '/topics', { topic_name: name })).status, 201, name)
  }
  const malformed = await call('POST', '/topics', '{"topic_name":"prototype"')
  assert.equal(malformed.status, 400)
  assert.match(malformed.body.message, /JSON/)
})
