import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../shared/http/app.ts'
import type { RequestFacts } from '../../../shared/http/context.ts'
import { createEdge } from '../../support/edgeDeps.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`
const amazonId = '1-5759e988-bd862e3fe1be46a994272793'

const askAbout = async (headers: Record<string, string>, path = '/health') => {
  const seen: (RequestFacts & { status: number })[] = []
  const { deps } = createEdge({
    aroundRequest: async (request, serve) => {
      seen.push({ ...request, status: await serve() })
    },
  })
  const answer = await createApp(deps).request(path, { headers })
  return { answer, seen }
}

test('whoever runs the requests knows each by its id, its trace and its status', async () => {
  const { seen } = await askAbout({ 'x-request-id': 'mine', traceparent })
  assert.deepEqual(seen, [{ requestId: 'mine', traceId, method: 'GET', path: '/health', status: 200 }])
  const unknown = await askAbout({}, '/nowhere')
  assert.equal(unknown.seen[0]?.status, 404)
  assert.equal(unknown.seen[0]?.traceId, undefined)
  assert.equal(unknown.seen[0]?.requestId, unknown.answer.headers.get('x-request-id'))
})

test("W3C's and AWS's trace headers come back as they were, the first that names a trace", async () => {
  const amazon = `Self=1-2;Root=${amazonId};Parent=53995c3f42cd8ad8;Sampled=1`
  const one = await askAbout({ 'x-amzn-trace-id': amazon })
  assert.equal(one.seen[0]?.traceId, amazonId)
  assert.equal(one.answer.headers.get('x-amzn-trace-id'), amazon)
  const both = await askAbout({ traceparent, 'x-amzn-trace-id': amazon })
  assert.equal(both.seen[0]?.traceId, traceId)
  assert.equal(both.answer.headers.get('traceparent'), traceparent)
  assert.equal(both.answer.headers.get('x-amzn-trace-id'), null)
})

test('what is no trace is neither repeated nor logged', async () => {
  for (const headers of [
    { traceparent: 'x' },
    { traceparent: traceparent.toUpperCase() },
    { traceparent: `00-${'0'.repeat(31)}-b7ad6b7169203331-01` },
    { traceparent: `${traceparent}${'-'.repeat(300)}` },
    { 'x-amzn-trace-id': `Root=${amazonId}"` },
    { 'x-amzn-trace-id': '' },
  ]) {
    const { answer, seen } = await askAbout({ ...headers })
    assert.equal(seen[0]?.traceId, undefined)
    assert.equal(answer.headers.get('traceparent') ?? answer.headers.get('x-amzn-trace-id'), null)
  }
})
