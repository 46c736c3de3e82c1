import assert from 'node:assert/strict'
import { test } from 'node:test'
import { behindFrontDoor } from '../../../shared/runtime/frontDoor.ts'

const guarded = behindFrontDoor(['old secret', 'new secret'], async (request) => {
  const body = await request.text()
  return new Response(`${request.url} ${body}`)
})
const ask = (headers: Record<string, string>, body?: string) =>
  guarded(
    new Request('http://inner:1/a%20b?c=d', {
      headers,
      ...(body === undefined ? {} : { method: 'POST', body }),
    }),
  )

test('each of the secrets opens, anything else is refused', async () => {
  for (const secret of ['old secret', 'new secret']) {
    const answer = await ask({ 'x-millrace-origin': secret })
    assert.equal(await answer.text(), 'http://inner:1/a%20b?c=d ')
  }
  for (const headers of [{}, { 'x-millrace-origin': '' }, { 'x-millrace-origin': 'old secret,new secret' }]) {
    const answer = await ask({ ...headers })
    assert.equal(answer.status, 403)
    assert.equal(JSON.parse(await answer.text()).error_code, 403)
  }
})

test('the app sees the name that the client called, with path, query and body as they were', async () => {
  const opened = { 'x-millrace-origin': 'new secret', 'x-forwarded-host': 'log.example.com' }
  assert.equal(await (await ask(opened, 'body')).text(), 'https://log.example.com/a%20b?c=d body')
  const forged = { ...opened, 'x-forwarded-host': 'log.example.com/other?' }
  assert.equal(await (await ask(forged)).text(), 'http://inner:1/a%20b?c=d ')
})
