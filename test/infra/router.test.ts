import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProduce, routerCode } from '../../infra/router.ts'
import { createTestApp } from '../support/testCluster.ts'

const appends = [
  '/v3/clusters/{cluster_id}/producers',
  '/v3/clusters/{cluster_id}/topics/{topic_name}/records',
  '/v3/clusters/{cluster_id}/topics/{topic_name}/records:batch',
  '/v3/clusters/{cluster_id}/topics/{topic_name}/partitions/{partition_id}/records',
  '/topics/{topic_name}',
  '/topics/{topic_name}/partitions/{partition_id}',
]

/** Every route there is, with names in the place of parameters. */
async function routes(): Promise<{ method: string; template: string; path: string }[]> {
  const { app } = await createTestApp()
  const { paths }: { paths: Record<string, object> } = JSON.parse(
    await (await app.request('/openapi.json')).text(),
  )
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      template,
      path: template.replaceAll(/\{\w+\}/g, 'orders.1'),
    })),
  )
}

test('of all routes those that append go to produce, and nothing else does', async () => {
  const found = await routes()
  assert.ok(found.length > 40)
  for (const { method, template, path } of found) {
    const expected = method === 'POST' && appends.includes(template)
    assert.equal(isProduce(method, path), expected, `${method} ${template}`)
    if (template.startsWith('/v3/'))
      assert.equal(isProduce(method, `/kafka${path}`), expected, `${method} /kafka${path}`)
  }
  for (const template of appends) {
    assert.ok(
      found.some((route) => route.method === 'POST' && route.template === template),
      `${template} is a route`,
    )
  }
})

test('an encoded colon is a colon, and no other path is taken for one that appends', () => {
  const topic = '/v3/clusters/local/topics/orders'
  assert.equal(isProduce('POST', `${topic}/records%3Abatch`), true)
  assert.equal(isProduce('POST', `${topic}/records%3abatch`), true)
  for (const path of [
    `${topic}/records/`,
    `${topic}/records:delete`,
    `${topic}/partitions/0/records:delete`,
    `/other${topic}/records`,
    `${topic}/a/records`,
    '/topics',
    '/topics/',
    '/admin/topics',
    '/consumers/group/instances/one/records',
    '/v3/clusters/local/topics',
  ]) {
    assert.equal(isProduce('POST', path), false, path)
  }
})

test('the code that is deployed selects the origin and says by which name it was called, and by whom', async () => {
  const route = await loadRouter()
  const called = { host: 'log.example.com', client: '192.0.2.7' }
  assert.deepEqual(route('POST', '/topics/orders'), { origin: 'produce', ...called })
  assert.deepEqual(route('GET', '/topics/orders'), { origin: 'fetch', ...called })
})

test('the code that is deployed is as small as CloudFront wants it', () => {
  assert.ok(Buffer.byteLength(routerCode()) < 10_240)
  assert.doesNotMatch(routerCode(), /: string|\?\.|\?\?|\binterface\b/)
})

/** CloudFront's module is one of this test, which notes what is selected. */
async function loadRouter(): Promise<(method: string, uri: string) => unknown> {
  const code = routerCode()
  const selecting = 'let selected\nconst cf = { selectRequestOriginById: (id) => { selected = id } }'
  const module = `${code.replace("import cf from 'cloudfront'", selecting)}
    export const route = (event) => ({ request: handler(event), selected })`
  assert.match(code, /^import cf from 'cloudfront'\n/)
  const { route } = await import(`data:text/javascript,${encodeURIComponent(module)}`)
  return (method, uri) => {
    const forged = {
      'x-forwarded-host': { value: 'evil.example.com' },
      'x-millrace-client': { value: '127.0.0.1' },
    }
    const headers = { host: { value: 'log.example.com' }, ...forged }
    const { request, selected } = route({ request: { method, uri, headers }, viewer: { ip: '192.0.2.7' } })
    const { 'x-forwarded-host': host, 'x-millrace-client': client } = request.headers
    return { origin: selected, host: host.value, client: client.value }
  }
}
