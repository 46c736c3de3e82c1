import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OpenAPIHono } from '@hono/zod-openapi'
import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { KafkaError } from '../../../../shared/base/errors.ts'
import { openBody, withBody } from '../../../../shared/http/bodies/body.ts'
import { accessTo } from '../../../../shared/http/clusters.ts'
import type { AppEnv, HttpDeps } from '../../../../shared/http/context.ts'
import { createErrorHandler } from '../../../../shared/http/errors.ts'
import type { Clock } from '../../../../shared/ports/world.ts'
import { systemClock } from '../../../../shared/runtime/clock.ts'
import { createEdge } from '../../../support/edgeDeps.ts'
import { answerOf, serveApp, textOf } from '../../../support/serveApp.ts'
import { createTestCluster } from '../../../support/testCluster.ts'
import { createVirtualClock } from '../../../support/virtualClock.ts'

const limits = {
  bodyBytesMax: 1000,
  bodiesBytesMax: 2000,
  answersBytesMax: 2000,
  bodyIdleMsMax: 60_000,
  fetchWaitMsMax: 1000,
  batchEntriesMax: 10,
  streamMsMax: 1000,
}

/** Of a server without security. */
const anonymous = accessTo(createTestCluster())
const setAccess = createMiddleware<AppEnv>(async (c, next) => {
  c.set('access', anonymous)
  await next()
})

type Use = (body: Uint8Array) => Promise<string>

const lengthOf: Use = async (body) => String(body.length)

function createApp(use: Use = lengthOf, changes: Partial<HttpDeps> = {}): Hono<AppEnv> {
  const { deps } = createEdge({ clock: systemClock, limits, ...changes })
  const app = new OpenAPIHono<AppEnv>()
  app.onError(createErrorHandler(deps))
  app.use(setAccess)
  app.post('/', async (c) => c.text(await withBody(c, deps, use)))
  return app
}

const post = (
  app: Hono<AppEnv>,
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
) => app.request('/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

function streamOf(...parts: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(parts.map((part) => Buffer.from(part)))
}

/** Sleeps last until `elapse`. */
function createHeldClock(): Clock & { elapse(): void } {
  const sleepers: (() => void)[] = []
  return {
    now: () => 0,
    sleep: (_, signal) =>
      new Promise((wake) => {
        sleepers.push(wake)
        signal?.addEventListener('abort', () => wake())
      }),
    elapse: () => {
      for (const wake of sleepers.splice(0)) wake()
    },
  }
}

test('a body comes whole, with and without Content-Length, over a socket and without', async (t) => {
  const app = createApp(async (body) => Buffer.from(body).toString())
  assert.equal(await (await post(app, 'whole', { 'content-length': '5' })).text(), 'whole')
  assert.equal(await (await post(app, streamOf('a', '', 'bc'))).text(), 'abc')
  assert.equal(await (await app.request('/', { method: 'POST' })).text(), '')
  const served = await serveApp(t, app)
  for (const headers of [{ 'content-length': '900' }, {}, { 'transfer-encoding': 'chunked' }]) {
    const sent = served.open({ method: 'POST', headers })
    sent.end('x'.repeat(900))
    assert.equal(await textOf(await answerOf(sent)), 'x'.repeat(900))
  }
  const empty = served.open({ method: 'POST' })
  empty.end()
  assert.equal(await textOf(await answerOf(empty)), '')
})

test('a Content-Length beyond the limit is refused before a byte is sent', async (t) => {
  const served = await serveApp(t, createApp())
  const sent = served.open({ method: 'POST', headers: { 'content-length': '1001' } })
  sent.on('error', () => {})
  sent.flushHeaders()
  const answer = await answerOf(sent)
  assert.equal(answer.statusCode, 413)
  sent.destroy()
})

test('a body without Content-Length may be as large as the limit and no larger', async () => {
  const app = createApp()
  assert.equal(await (await post(app, streamOf('x'.repeat(999), 'y'))).text(), '1000')
  assert.equal((await post(app, streamOf('x'.repeat(999), 'yz', 'never read'))).status, 413)
})

test('a body that is not as long as it said is refused', async () => {
  const app = createApp()
  for (const length of ['4', '6']) {
    const answer = await post(app, 'whole', { 'content-length': length })
    assert.equal(answer.status, 400)
  }
  for (const length of ['1e1', '-5', '0x5', '99999999999999999']) {
    assert.equal((await post(app, 'whole', { 'content-length': length })).status, 400)
  }
})

test('a compressed body is refused as a media type', async () => {
  const app = createApp()
  assert.equal((await post(app, 'x', { 'content-encoding': 'gzip' })).status, 415)
  assert.equal((await post(app, 'x', { 'content-encoding': 'identity' })).status, 200)
})

test('a client that stops sending is answered 408 when its time is up', async (t) => {
  const waiting = Promise.withResolvers<void>()
  const held = createHeldClock()
  const clock: Clock = {
    now: held.now,
    sleep: (ms, signal) => {
      assert.equal(ms, limits.bodyIdleMsMax)
      waiting.resolve()
      return held.sleep(ms, signal)
    },
  }
  const app = createApp(lengthOf, { clock })
  const served = await serveApp(t, app)
  const sent = served.open({ method: 'POST', headers: { 'content-length': '10' } })
  sent.on('error', () => {})
  sent.write('half ')
  await waiting.promise
  held.elapse()
  assert.equal((await answerOf(sent)).statusCode, 408)
  sent.destroy()
  assert.equal(await (await post(app, 'x', { 'content-length': '1' })).text(), '1')
})

test('a body may come slowly, but not below the slowest pace for longer than a client may be silent', async () => {
  const clock = createVirtualClock()
  const changed = { ...limits, bodyBytesMax: 16_000_000, bodiesBytesMax: 16_000_000, bodyIdleMsMax: 10_000 }
  const app = createApp(lengthOf, { clock, limits: changed })
  const send = async (bytes: number, everyMs: number, times: number) => {
    let left = times
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await clock.sleep(everyMs)
        controller.enqueue(new Uint8Array(bytes))
        if (--left === 0) controller.close()
      },
    })
    const startMs = clock.now()
    const answer = await post(app, body, { 'content-length': String(bytes * times) })
    return { status: answer.status, ms: clock.now() - startMs }
  }
  assert.deepEqual(await send(100_000, 1000, 120), { status: 200, ms: 120_000 }, '100 kB a second')
  assert.deepEqual(await send(32_000, 1000, 19), { status: 200, ms: 19_000 }, 'half the pace, and small')
  assert.deepEqual(await send(32_000, 1000, 100), { status: 408, ms: 19_500 }, 'half the pace')
  assert.deepEqual(await send(1, 9000, 100), { status: 408, ms: 10_001 }, 'a byte now and then')
  assert.deepEqual(await send(640_000, 11_000, 2), { status: 408, ms: 10_000 }, 'silent')
})

test('a client that goes away before its body is whole leaves nothing behind', async (t) => {
  const used: number[] = []
  const failed = Promise.withResolvers<unknown>()
  const { deps } = createEdge({ clock: systemClock, limits })
  const app = new OpenAPIHono<AppEnv>()
  app.onError((error, c) => {
    failed.resolve(error)
    return c.text('')
  })
  app.use(setAccess)
  app.post('/', async (c) => {
    const use = async (body: Uint8Array) => used.push(body.length)
    return c.text(String(await withBody(c, deps, use)))
  })
  const served = await serveApp(t, app)
  const sent = served.open({ method: 'POST', headers: { 'content-length': '10' } })
  sent.on('error', () => {})
  sent.write('half ', () => sent.destroy())
  const error = await failed.promise
  assert(error instanceof KafkaError && error.code === 'BAD_REQUEST')
  assert.deepEqual(used, [])
})

test('a client that goes away while its body waits for room is refused like any other that does', async (t) => {
  const entered = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const refused = Promise.withResolvers<unknown>()
  const { deps } = createEdge({ clock: systemClock, limits: { ...limits, bodiesBytesMax: 1000 } })
  const app = new OpenAPIHono<AppEnv>()
  app.onError((error, c) => {
    refused.resolve(error)
    return c.text('')
  })
  app.use(setAccess)
  const use = async () => {
    entered.resolve()
    await gate.promise
    return ''
  }
  const gone = Promise.withResolvers<void>()
  app.post('/', async (c) => {
    c.req.raw.signal.addEventListener('abort', () => gone.resolve())
    return c.text(await withBody(c, deps, use))
  })
  const served = await serveApp(t, app)
  const first = served.open({ method: 'POST', headers: { 'content-length': '1000' } })
  first.end('x'.repeat(1000))
  await entered.promise
  const second = served.open({ method: 'POST', headers: { 'content-length': '10' } })
  second.on('error', () => {})
  second.write('half ', () => second.destroy())
  await gone.promise
  gate.resolve()
  assert.equal((await answerOf(first)).statusCode, 200)
  const error = await refused.promise
  assert(error instanceof KafkaError && error.code === 'BAD_REQUEST', String(error))
})

test('bodies that together pass the limit wait for one another in their order', async () => {
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  const app = createApp(async (body) => {
    const text = Buffer.from(body).toString().slice(0, 1)
    order.push(text)
    if (text === 'a') await gate.promise
    return text
  })
  const send = (letter: string, length: number) =>
    post(app, letter.repeat(length), { 'content-length': String(length) })
  const first = send('a', 1000)
  const second = send('b', 900)
  const third = send('c', 200)
  const fourth = send('d', 1)
  await second
  await Promise.all([third, fourth])
  assert.deepEqual(order, ['a', 'b', 'c', 'd'])
  gate.resolve()
  assert.equal(await (await first).text(), 'a')
})

test('a stream that is read on after its end stays at its end', async () => {
  const app = new Hono()
  app.post('/', async (c) => {
    const body = openBody(c, { clock: systemClock, limits })
    const parts = [await body.read(), await body.read(), await body.read(1000, false)]
    return c.text(parts.map((part) => part?.length ?? 'end').join(' '))
  })
  assert.equal(await (await app.request('/', { method: 'POST', body: 'abc' })).text(), '3 end end')
})
