// A public API description, and how an answer of ours differs from what it says of the operation. The
// descriptions lie beside the repository and are no part of it: where there are none, `loadSpec` answers
// undefined and the tests skip.
import { existsSync, readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

export interface Spec {
  /** 'METHOD /path/{template}' of every operation. */
  readonly operations: readonly string[]
  /** One line a difference; none: the answer is as described. */
  differences(operation: string, answer: Answer): string[]
}

type Node = Readonly<Record<string, unknown>>

const methods = ['get', 'put', 'post', 'delete', 'patch']

export const absent = 'the public API descriptions do not lie beside the repository'

export function loadSpec(name: string): Spec | undefined {
  const file = new URL(`../../../shared/specs/${name}`, import.meta.url)
  if (!existsSync(file)) return undefined
  return createSpec(asNode(parse(readFileSync(file, 'utf8'))))
}

export function createSpec(document: Node): Spec {
  const options = { strict: false, validateSchema: false, allErrors: true }
  const ajv = String(document.openapi).startsWith('3.1') ? new Ajv2020(options) : new Ajv(options)
  addFormats.default(ajv)
  ajv.addSchema(document, 'spec')
  const paths = asNode(document.paths)

  const schemaDifferences = (pointer: string, body: unknown): string[] => {
    const validate = ajv.compile({ $ref: `spec#${pointer}` })
    if (validate(body)) return []
    const placeOf = (path: string) => `body${path.replaceAll(/\/\d+(?=\/|$)/g, '[]').replaceAll('/', '.')}`
    return (validate.errors ?? []).map(({ instancePath, message }) => `${placeOf(instancePath)} ${message}`)
  }

  return {
    operations: Object.entries(paths).flatMap(([path, item]) =>
      methods.filter((method) => method in asNode(item)).map((method) => `${method.toUpperCase()} ${path}`),
    ),
    differences(operation, { status, headers, body }) {
      const [method = '', path = ''] = operation.split(' ')
      const pointer = `/paths/${escapePointer(path)}/${method.toLowerCase()}/responses`
      const responses = asNode(resolve(document, pointer).node)
      const key = [String(status), `${String(status)[0]}XX`, 'default'].find((name) => name in responses)
      if (key === undefined) return [`status ${status} is not described`]
      const response = resolve(document, `${pointer}/${key}`)
      const content = asNode(asNode(response.node).content ?? {})
      const types = Object.keys(content)
      if (types.length === 0) return body === undefined ? [] : [`status ${status} has a body`]
      const type = headers.get('content-type')?.split(';')[0] ?? 'none'
      const described = types.includes(type) ? type : types[0]
      const wrongType = described === type ? [] : [`type ${type} is not described for status ${status}`]
      const media = `${response.pointer}/content/${escapePointer(described ?? '')}`
      const example = asNode(content[described ?? '']).example
      return [...wrongType, ...schemaDifferences(`${media}/schema`, body), ...missingFields(example, body)]
    },
  }
}

// A description's example shows fields that its schema does not require; its `kind` is the one kind there is.
function missingFields(example: unknown, body: unknown, place = 'body'): string[] {
  if (Array.isArray(example)) {
    return Array.isArray(body) ? body.flatMap((item) => missingFields(example[0], item, `${place}[]`)) : []
  }
  if (typeof example !== 'object' || example === null) return []
  if (typeof body !== 'object' || body === null) return [`${place} is no object`]
  return Object.entries(example).flatMap(([name, expected]) => {
    const actual = asNode(body)[name]
    if (actual === undefined) return [`${place}.${name} is missing`]
    if (name === 'kind' && actual !== expected) return [`${place}.kind is ${actual} and not ${expected}`]
    return missingFields(expected, actual, `${place}.${name}`)
  })
}

// Follows references on the way, so that the pointer that comes out is one a validator can follow.
function resolve(document: Node, pointer: string): { readonly pointer: string; readonly node: unknown } {
  let place = { pointer: '', node: document as unknown }
  for (const key of pointer.split('/').slice(1)) {
    const node = asNode(place.node)[key.replaceAll('~1', '/').replaceAll('~0', '~')]
    place = { pointer: `${place.pointer}/${key}`, node }
    if (typeof node !== 'object' || node === null || !('$ref' in node)) continue
    place = resolve(document, String(node.$ref).slice(1))
  }
  return place
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function asNode(value: unknown): Node {
  if (typeof value !== 'object' || value === null) throw new Error('the description has no object here')
  return value as Node
}
