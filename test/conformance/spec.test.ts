// The checker itself: a wrong answer is found.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOnly } from './differences.ts'
import { createSpec } from './spec.ts'

const thing = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer' }, next: { $ref: '#/n' } },
}
const spec = createSpec({
  openapi: '3.0.0',
  n: { type: 'string', nullable: true },
  paths: {
    '/things/{id}': {
      get: {
        responses: {
          200: { $ref: '#/components/responses/Thing' },
          '4XX': { content: { 'application/json': { schema: { type: 'string' } } } },
        },
      },
      delete: { responses: { 204: {} } },
    },
  },
  components: {
    responses: {
      Thing: {
        content: { 'application/json': { schema: thing, example: { id: 1, kind: 'T', more: [{ a: 1 }] } } },
      },
    },
  },
})

const json = new Headers({ 'content-type': 'application/json; charset=utf-8' })
const good = { id: 1, next: null, kind: 'T', more: [{ a: 2 }] }
const differences = (status: number, body: unknown, headers = json, operation = 'GET /things/{id}') =>
  spec.differences(operation, { status, headers, body })

test('an answer as described has no differences', () => {
  assert.deepEqual(spec.operations, ['GET /things/{id}', 'DELETE /things/{id}'])
  assert.deepEqual(differences(200, good), [])
  assert.deepEqual(differences(404, 'no'), [])
  assert.deepEqual(differences(204, undefined, new Headers(), 'DELETE /things/{id}'), [])
})

test('a wrong status, media type, body or field is a difference', () => {
  const text = new Headers({ 'content-type': 'text/plain' })
  assert.deepEqual(differences(500, 'no'), ['status 500 is not described'])
  assert.deepEqual(differences(200, good, text), ['type text/plain is not described for status 200'])
  assert.deepEqual(differences(404, 5), ['body must be string'])
  assert.deepEqual(differences(200, { ...good, next: 5 }), ['body.next must be string'])
  assert.deepEqual(differences(200, { ...good, id: undefined }).length, 2)
  assert.deepEqual(differences(200, { ...good, kind: 'U' }), ['body.kind is U and not T'])
  assert.deepEqual(differences(200, { ...good, more: [{ b: 1 }] }), ['body.more[].a is missing'])
  assert.deepEqual(differences(204, {}, json, 'DELETE /things/{id}'), ['status 204 has a body'])
})

test('an unlisted difference fails, and so does a listed one that is gone', () => {
  const meant = [{ operations: ['GET /a', 'GET /b'], differs: 'x', reason: 'r' }]
  assertOnly(['GET /b: x', 'GET /a: x', 'GET /a: x'], meant)
  assert.throws(() => assertOnly(['GET /a: x'], meant))
  assert.throws(() => assertOnly(['GET /a: x', 'GET /b: x', 'GET /a: y'], meant))
})
