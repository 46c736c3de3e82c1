import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { createApp } from '../../../shared/http/app.ts'
import { createEdge } from '../../support/edgeDeps.ts'

type Json = Readonly<Record<string, unknown>>

const { deps } = createEdge()
const app = createApp(deps)
const document = asObject(await (await app.request('/openapi.json')).json())

const methods = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options'])

test('every reference resolves', () => {
  const references = [...walk(document)].flatMap((node) => (typeof node.$ref === 'string' ? [node.$ref] : []))
  assert.ok(references.length > 50)
  for (const reference of new Set(references)) assert.notEqual(resolve(reference), undefined, reference)
})

test('every operation has its own id, a summary, a tag, a success and a failure', () => {
  const ids = new Set<unknown>()
  for (const { name, operation } of operations()) {
    assert.ok(typeof operation.operationId === 'string', name)
    assert.ok(!ids.has(operation.operationId), `${name}: ${operation.operationId} is taken`)
    ids.add(operation.operationId)
    assert.ok(typeof operation.summary === 'string' && operation.summary.length > 3, name)
    assert.ok(Array.isArray(operation.tags) && operation.tags.length === 1, name)
    const statuses = Object.keys(asObject(operation.responses))
    assert.ok(
      statuses.some((status) => status.startsWith('2')),
      name,
    )
    assert.ok(
      statuses.some((status) => /^[45]|default/.test(status)),
      name,
    )
    for (const response of Object.values(asObject(operation.responses))) {
      assert.ok('description' in asObject(response) || '$ref' in asObject(response), name)
    }
  }
})

test('the parameters of a path are described, required, and no others claim to be in it', () => {
  for (const { name, path, operation } of operations()) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
    const parameters = Array.isArray(operation.parameters) ? operation.parameters.map(asObject) : []
    const described = parameters.filter((parameter) => parameter.in === 'path')
    assert.deepEqual(described.map((parameter) => parameter.name).sort(), inPath.sort(), name)
    assert.ok(
      described.every((parameter) => parameter.required === true),
      name,
    )
  }
})

test('every schema is a JSON schema', () => {
  const schemas = asObject(asObject(document.components).schemas)
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  for (const [name, schema] of Object.entries(schemas)) {
    assert.ok(ajv.validateSchema(asObject(schema)), `${name}: ${ajv.errorsText()}`)
  }
})

test('every described operation is routed, and every route of the API is described', () => {
  const described = new Set(operations().map(({ name }) => name))
  const routed = app.routes
    .filter(({ method, path }) => method !== 'ALL' && !/^\/(docs.*|openapi\.json)?$/.test(path))
    .map(({ method, path }) => `${method} ${describedPath(path)}`)
  assert.deepEqual([...described].sort(), [...new Set(routed)].sort())
})

/** A verb behind a parameter is a pattern to the router. */
function describedPath(path: string): string {
  return path.replaceAll(/\/:(\w+)(?:{\[\^\/]\+(:\w+)})?/g, (_, name, verb = '') => `/{${name}}${verb}`)
}

function operations(): { name: string; path: string; operation: Json }[] {
  return Object.entries(asObject(document.paths)).flatMap(([path, item]) =>
    Object.entries(asObject(item))
      .filter(([method]) => methods.has(method))
      .map(([method, operation]) => {
        return { name: `${method.toUpperCase()} ${path}`, path, operation: asObject(operation) }
      }),
  )
}

function resolve(reference: string): unknown {
  const [start, ...keys] = reference.split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  return start === '#' ? keys.reduce<unknown>((node, key) => asObject(node)[key], document) : undefined
}

function* walk(node: unknown): Generator<Json> {
  if (typeof node !== 'object' || node === null) return
  if (!Array.isArray(node)) yield asObject(node)
  for (const child of Object.values(node)) yield* walk(child)
}

function asObject(node: unknown): Json {
  assert.ok(typeof node === 'object' && node !== null, 'expected an object')
  return node as Json
}
