// Who calls, as bindings and groups name it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono } from 'hono'
import { clientHostOf } from '../../../shared/http/clientHost.ts'
import type { AppEnv } from '../../../shared/http/context.ts'

test('behind a front door the address is what it says, in its one spelling, or nothing', async () => {
  const clientAddress = (request: Request) => request.headers.get('x-client') ?? ''
  const app = new Hono<AppEnv>().get('/', (c) => c.text(clientHostOf(c, { clientAddress })))
  for (const [said, host] of [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['nobody', ''],
    ['', ''],
  ] as const) {
    const answer = await app.request('/', { headers: { 'x-client': said } })
    assert.equal(await answer.text(), host)
  }
})

test("without one the address is the connection's, which a request of no connection has not", async () => {
  const app = new Hono<AppEnv>().get('/', (c) => c.text(clientHostOf(c, {})))
  assert.equal(await (await app.request('/')).text(), '')
})
