// What is done to a valid request: one change of its method, path, query, headers or body, with the
// values that break parsers. Everything is a string or bytes at this point; what cannot be put into a
// Request is made harmless there.

import type { Chance } from './chance.ts'
import { type FuzzRequest, fuzzedTopic, keptTopic } from './templates.ts'

type Mutation = (request: FuzzRequest, chance: Chance) => FuzzRequest

const numbers = [
  ...['', '0', '-0', '-1', '1', '01', '+1', ' 1', '1 ', '1.5', '1e3', '0x1', '1_000', '٣', 'NaN', 'Infinity'],
  ...['2147483647', '2147483648', '4294967296', '9007199254740991', '9007199254740992', '1e309', '-1e309'],
  ...['9223372036854775807', '9223372036854775808', '-9223372036854775809', '9'.repeat(400)],
]

const names = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'null', 'undefined', 'true'],
  ...[
    '.',
    '..',
    '-',
    '*',
    ',',
    ';',
    ':',
    '~',
    'a b',
    'a/b',
    'é',
    '💥',
    '\ud800',
    '\u0000',
    '\u202e',
    '<b>',
    "'--",
  ],
  ...['a'.repeat(249), 'a'.repeat(250), 'a'.repeat(8000), '{topic_name}', ':topic_name', '[object Object]'],
]

const encoded = [
  ...[
    '%',
    '%%',
    '%2',
    '%zz',
    '%00',
    '%2f',
    '%2F..%2f',
    '%2e',
    '%2e%2e',
    '..%2f..%2f',
    '%5c',
    '%c0%af',
    '%ff',
  ],
  ...['%ed%a0%80', '%u0041', '%25', '%252f', '%0d%0aX: y', '%F0%9F%92%A5', '%20', '+', '%3f', '%23', '%26'],
]

const texts = [...numbers, ...names, ...encoded]

const contentTypes = [
  ...['', 'text/plain', 'application/json', 'application/json; charset=utf-16', 'APPLICATION/JSON', 'a;;;='],
  ...['application/x-www-form-urlencoded', 'multipart/form-data', 'multipart/form-data; boundary=x', 'json'],
  ...['application/vnd.millrace.recordbatch', 'application/vnd.kafka.v2+json', 'application/octet-stream'],
  ...[
    'application/vnd.kafka.json.v2+json',
    'application/vnd.kafka.binary.v2+json',
    'application/problem+json',
  ],
  ...['application/vnd.kafka.avro.v2+json', 'application/vnd.kafka.text.v2+json', 'text/event-stream'],
]

const accepts = [...contentTypes, '*/*', 'application/*', '*/*;q=0', ',,,', 'text/html', 'a'.repeat(5000)]

const headerNames = [
  ...['content-type', 'accept', 'content-length', 'content-encoding', 'transfer-encoding', 'last-event-id'],
  ...['producer-id', 'producer-epoch', 'producer-seq', 'x-request-id', 'origin', 'range', 'if-none-match'],
  ...[
    'x-http-method-override',
    'x-forwarded-host',
    'x-forwarded-for',
    'cookie',
    'authorization',
    '__proto__',
  ],
]

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND', 'post', 'X']

const jsonFragments = [
  ...[
    'null',
    'true',
    'false',
    '{}',
    '[]',
    '""',
    '"x"',
    '-1',
    '-0',
    '0.5',
    '1e3',
    '1e309',
    'NaN',
    '[1,{}]',
    '00',
  ],
  ...['2147483648', '4294967296', '9007199254740992', '-9007199254740993', '9223372036854775807', '1e-400'],
  ...['"\\ud800"', '"\\u0000"', '"\u2028"', '"not base64!"', '"AAA"', '"AA=="', '"earliest"', '"1"', "'x'"],
  ...[
    '"2021-02-30T00:00:00Z"',
    '"+275760-09-13T00:00:00Z"',
    '"1969-12-31T23:59:59Z"',
    '"9999-12-31T23:59:59Z"',
  ],
  ...['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}', '[[[[]]]]'],
  ...['{"type":"AVRO","data":1}', '{"type":"JSON","data":{"__proto__":1}}', '{"type":"BINARY","data":"-"}'],
]

const nested = (depth: number, chance: Chance): string =>
  chance.oneIn(2) ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

export function mutate(request: FuzzRequest, chance: Chance): FuzzRequest {
  let mutated = request
  for (let left = chance.pick([0, 1, 1, 1, 1, 2, 3]); left > 0; left--) {
    const changesBody = request.body !== undefined && !chance.oneIn(3)
    const mutation = changesBody ? mutateBody : chance.pick(mutations)
    mutated = mutation(mutated, chance)
  }
  return mutated
}

const mutatePath: Mutation = (request, chance) => {
  const [path = '', query] = request.path.split('?', 2)
  const segments = path.split('/')
  const values = segments.flatMap((segment, index) => (isValue(segment) ? [index] : []))
  const anywhere = values.length === 0 || chance.oneIn(4)
  const at = anywhere ? 1 + chance.integer(segments.length - 1) : chance.pick(values)
  const text = chance.pick(texts)
  const value = chance.oneIn(2) ? encodeURIComponent(text.toWellFormed()) : text
  if (chance.oneIn(5)) segments.splice(at, 0, value)
  else if (chance.oneIn(8)) segments.splice(at, 1)
  else segments[at] = chance.oneIn(4) ? `${segments[at] ?? ''}${value}` : value
  return { ...request, path: segments.join('/') + (query === undefined ? '' : `?${query}`) }
}

/** A segment that a template has filled in. */
function isValue(segment: string): boolean {
  return ['local', fuzzedTopic, keptTopic].includes(segment) || /^\d+$|\./.test(segment)
}

const mutateQuery: Mutation = (request, chance) => {
  const [path = '', query = ''] = request.path.split('?', 2)
  const pairs = query === '' ? [] : query.split('&')
  const name = chance.oneIn(3) ? chance.pick(texts) : queryName(pairs, chance)
  const value = chance.oneIn(2) ? encodeURIComponent(chance.pick(texts).toWellFormed()) : chance.pick(texts)
  if (pairs.length > 0 && !chance.oneIn(4)) pairs[chance.integer(pairs.length)] = `${name}=${value}`
  else pairs.push(chance.oneIn(6) ? name : `${name}=${value}`)
  return { ...request, path: `${path}?${pairs.join('&')}` }
}

const queryNames = ['offset', 'timestamp', 'timeout', 'max_bytes', 'min_bytes', 'offset_type', 'async']

function queryName(pairs: readonly string[], chance: Chance): string {
  const own = pairs.map((pair) => pair.split('=', 1)[0] ?? '')
  return chance.pick([...queryNames, ...own])
}

const mutateHeader: Mutation = (request, chance) => {
  const name = chance.pick(headerNames)
  const header = [name, headerValue(name, chance)] as const
  if (chance.oneIn(4)) return { ...request, headers: request.headers.slice(1) }
  const kept = chance.oneIn(4) ? request.headers : request.headers.filter(([other]) => other !== name)
  return { ...request, headers: [...kept, header] }
}

function headerValue(name: string, chance: Chance): string {
  if (name === 'content-type') return chance.pick(contentTypes)
  if (name === 'accept') return chance.pick(accepts)
  if (name === 'content-encoding') return chance.pick(['gzip', 'identity', 'br', '', 'gzip, gzip'])
  if (name === 'last-event-id' && chance.oneIn(2)) {
    const [partition, offset] = [chance.pick(numbers), chance.pick(numbers)]
    return `${partition}:${offset}${chance.oneIn(2) ? ',0:0' : ''}`
  }
  return chance.pick(texts)
}

const mutateMethod: Mutation = (request, chance) => {
  // What a GET may read, a DELETE of the same path would take away.
  if (request.path.includes('/kept')) return request
  return { ...request, method: chance.pick(methods) }
}

const mutateBody: Mutation = (request, chance) => {
  const { body } = request
  if (body === undefined) return request
  if (typeof body !== 'string' || chance.oneIn(5))
    return { ...request, body: mutateBytes(Buffer.from(body), chance) }
  return { ...request, body: mutateJson(body, chance) }
}

const jsonToken = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g

function mutateJson(text: string, chance: Chance): string {
  const tokens = text.match(jsonToken) ?? []
  if (tokens.length === 0) return text
  const at = chance.integer(tokens.length)
  const token = tokens[at] ?? ''
  const fragment = chance.oneIn(12)
    ? nested(chance.pick([10, 999, 1001, 20_000]), chance)
    : chance.pick(jsonFragments)
  const change = chance.integer(20)
  if (token === '{' && chance.oneIn(2)) {
    tokens[at] = `{${JSON.stringify(chance.pick(names))}:${fragment}${tokens[at + 1] === '}' ? '' : ','}`
  } else if (change < 3) tokens.splice(at, 1)
  else if (change < 6) tokens.splice(at, 0, token)
  else if (change < 7) tokens[at] = `"${'x'.repeat(70_000)}"`
  else if (change < 13 && /^[{}[\],:]$/.test(token)) tokens[at] = chance.pick(['{', '}', '[', ',', ''])
  else tokens[at] = fragment
  return chance.oneIn(20) ? `\ufeff${tokens.join('')}` : tokens.join('')
}

function mutateBytes(bytes: Buffer, chance: Chance): Uint8Array {
  if (bytes.length === 0) return Buffer.from(chance.pick(['{', '\0', ' ', '[]', 'null', '""']))
  const at = chance.integer(bytes.length)
  const mutated = Buffer.from(bytes)
  switch (chance.integer(5)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes])
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff, 0xfe, 0xc0, 0x80]), bytes.subarray(at)])
    default:
      for (let left = 1 + chance.integer(4); left > 0; left--) {
        const place = chance.integer(mutated.length)
        mutated[place] = (mutated[place] ?? 0) ^ (1 << chance.integer(8))
      }
      return mutated
  }
}

const mutations: readonly Mutation[] = [
  mutatePath,
  mutateQuery,
  mutateQuery,
  mutateHeader,
  mutateHeader,
  mutateMethod,
]
