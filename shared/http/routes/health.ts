// GET /health: whether requests can be served, shown by one read of the table and how long it took; 503 where
// the storage fails or does not answer in time. Says nothing that would have to be guessed.

import { createRoute, z } from '@hono/zod-openapi'
import type { App, HttpDeps } from '../context.ts'

const probeMsMax = 2000

const healthSchema = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    version: z.string(),
    storage_read_ms: z.number().openapi({ description: 'How long the read took, or was waited for.' }),
  })
  .openapi('Health')

const getHealth = createRoute({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  summary: 'Whether the service answers and its storage does',
  tags: ['Service'],
  responses: {
    200: { description: 'The storage answers.', content: { 'application/json': { schema: healthSchema } } },
    503: { description: 'It does not.', content: { 'application/json': { schema: healthSchema } } },
  },
})

export function registerHealthRoutes(app: App, deps: HttpDeps): void {
  app.openapi(getHealth, async (c) => {
    const start = deps.clock.now()
    const answers = await probe(deps, (error) => {
      deps.reportFailure(error, { method: c.req.method, path: c.req.path })
    })
    const facts = { version: deps.version, storage_read_ms: deps.clock.now() - start }
    const headers = { 'cache-control': 'no-store' }
    if (answers) return c.json({ status: 'ok' as const, ...facts }, 200, headers)
    return c.json({ status: 'unavailable' as const, ...facts }, 503, headers)
  })
}

async function probe(deps: HttpDeps, report: (error: unknown) => void): Promise<boolean> {
  const timer = new AbortController()
  const late = deps.clock.sleep(probeMsMax, timer.signal).then(() => false)
  const read = deps.probeStorage().then(
    () => true,
    (error: unknown) => {
      report(error)
      return false
    },
  )
  const answers = await Promise.race([read, late])
  timer.abort()
  return answers
}
