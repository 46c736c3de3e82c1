import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createConnections } from '../../../shared/runtime/connections.ts'

async function startServer(t: TestContext, listener: RequestListener) {
  const server = createServer(listener)
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, sockets }
}

test('after a silence an invocation begins with new connections, and else keeps those that there are', async (t) => {
  const { port, sockets } = await startServer(t, (_request, response) => response.end('done'))
  let nowMs = 0
  const { agents, invocation } = createConnections({ now: () => nowMs })
  t.after(() => agents.httpAgent.destroy())
  const ask = async () => {
    const [answer] = await once(get({ host: '127.0.0.1', port, agent: agents.httpAgent }), 'response')
    await answer.resume().toArray()
    // A connection is free when the answer's end was told.
    await new Promise(setImmediate)
  }
  await invocation(ask)
  assert.equal(sockets.size, 1)
  nowMs += 1000
  await invocation(async () => {
    await ask()
    // Of an invocation's own length nothing dies.
    nowMs += 60_000
    await ask()
  })
  assert.equal(sockets.size, 1)
  nowMs += 60_000
  await invocation(ask)
  assert.equal(sockets.size, 2)
})

test('an invocation that fails is told as it failed', async () => {
  const { invocation } = createConnections({ now: () => 0 })
  await assert.rejects(
    invocation(() => Promise.reject(new Error('no'))),
    /^Error: no$/,
  )
})

test('whatever an environment serves at once has a connection', { timeout: 10_000 }, async (t) => {
  const atOnce = 200
  const waiting: ServerResponse[] = []
  const { port, sockets } = await startServer(t, (_request, response) => {
    waiting.push(response)
    if (waiting.length === atOnce) for (const one of waiting) one.end()
  })
  const { agents } = createConnections({ now: () => 0 })
  t.after(() => agents.httpAgent.destroy())
  const asked = Array.from({ length: atOnce }, () =>
    get({ host: '127.0.0.1', port, agent: agents.httpAgent }),
  )
  await Promise.all(asked.map((one) => once(one, 'response')))
  assert.equal(sockets.size, atOnce)
})
