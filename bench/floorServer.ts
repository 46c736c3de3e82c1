// The floor of HTTP: Hono on @hono/node-server with nothing behind it. POST / reads the whole body and
// answers a few bytes; GET /{n} answers n bytes that were there before.

import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
const answers = new Map<number, Uint8Array<ArrayBuffer>>()

app.post('/', async (c) => c.json({ bytes: (await c.req.arrayBuffer()).byteLength }))

app.get('/:bytes{\\d+}', (c) => {
  const bytes = Number(c.req.param('bytes'))
  const answer = answers.get(bytes) ?? new Uint8Array(bytes).fill(7)
  answers.set(bytes, answer)
  return c.body(answer)
})

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`floor on http://127.0.0.1:${port}\n`)
})
process.on('SIGTERM', () => process.exit())
