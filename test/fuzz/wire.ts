// Bytes on a socket that are not quite HTTP: what a fuzzer sends, and the answers that come back, read
// by hand because no client would send or take such things.

import { connect } from 'node:net'
import type { Answer } from './answers.ts'
import { validBatch } from './batches.ts'
import type { Chance } from './chance.ts'
import { type FuzzRequest, fuzzedTopic } from './templates.ts'

export interface WireMessage {
  readonly bytes: Buffer
  /** The client is gone before it could have read anything. */
  readonly aborts: boolean
}

const path = `/v3/clusters/local/topics/${fuzzedTopic}/records`
const record = '{"value":{"type":"STRING","data":"v"}}'
const host = 'Host: 127.0.0.1\r\n'
const json = 'Content-Type: application/json\r\n'
const chunkedHeaders = `${host}${json}Transfer-Encoding: chunked\r\n`

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const heads: readonly string[] = [
  '\r\n\r\n\r\n',
  '\0\0\0\0',
  'GET\r\n\r\n',
  'GET /\r\n\r\n',
  `GET / HTTP/9.9\r\n${host}\r\n`,
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
  `CONNECT 127.0.0.1:1 HTTP/1.1\r\n${host}\r\n`,
  `TRACE / HTTP/1.1\r\n${host}\r\n`,
  `GET http://127.0.0.1/health HTTP/1.1\r\n${host}\r\n`,
  `GET http://other.example/health HTTP/1.1\r\n${host}\r\n`,
  `GET http:// HTTP/1.1\r\n${host}\r\n`,
  `GET //other.example/health HTTP/1.1\r\n${host}\r\n`,
  `GET /\\..\\health HTTP/1.1\r\n${host}\r\n`,
  `GET /v3/../health HTTP/1.1\r\n${host}\r\n`,
  `GET /%2e%2e/%00 HTTP/1.1\r\n${host}\r\n`,
  `GET /topics/%ff%fe/partitions HTTP/1.1\r\n${host}\r\n`,
  `GET /topics/\u00ff/partitions HTTP/1.1\r\n${host}\r\n`,
  `GET /health?${'a=1&'.repeat(3000)} HTTP/1.1\r\n${host}\r\n`,
  `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`,
  `GET /health HTTP/1.1\r\n${host}X: ${'a'.repeat(20_000)}\r\n\r\n`,
  `GET /health HTTP/1.1\r\n${host}${'X: 1\r\n'.repeat(3000)}\r\n`,
  'GET /health HTTP/1.1\r\nHost: a b\r\n\r\n',
  'GET /health HTTP/1.1\r\nHost: [::1\r\n\r\n',
  'GET /health HTTP/1.1\r\nHost: 127.0.0.1:99999\r\n\r\n',
  'GET /health HTTP/1.1\r\nHost: @/?#\r\n\r\n',
  'GET /health HTTP/1.1\r\nHost:\r\n\r\n',
  'GET /health HTTP/1.1\r\nHost: \u00ff\r\n\r\n',
  `GET /health HTTP/1.1\r\n${host}${host}\r\n`,
  `GET /health HTTP/1.1\r\n${host}X\0Y: 1\r\n\r\n`,
  `GET /health HTTP/1.1\r\n${host}X : 1\r\n\r\n`,
  `GET /health HTTP/1.1\r\n${host}X: 1\r\n 2\r\n\r\n`,
  `GET /health HTTP/1.1\n${host.trim()}\n\n`,
  `GET /health HTTP/1.1\r\n${host}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  `GET /health HTTP/1.1\r\n${host}Expect: 200-maybe\r\n\r\n`,
  `GET ${path} HTTP/1.1\r\n${host}Accept: text/event-stream\r\nLast-Event-ID: \u00ff\r\n\r\n`,
  `POST ${path} HTTP/1.1\r\n${host}${json}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
]

const bodies: readonly string[] = [
  `POST ${path} HTTP/1.1\r\n${host}${json}Content-Length: 10000\r\n\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${host}${json}Content-Length: 3\r\n\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${host}${json}Content-Length: -1\r\n\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${host}${json}Content-Length: 1e3\r\n\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${host}${json}Content-Length: 99999999999999999999\r\n\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${host}${json}Content-Length: 38\r\nContent-Length: 39\r\n\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}Content-Length: 5\r\n\r\n${chunk(record)}0\r\n\r\n`,
  `POST ${path} HTTP/1.1\r\n${host}${json}Transfer-Encoding: gzip\r\n\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${host}Transfer-Encoding: chunked, chunked\r\n\r\n${chunk(record)}0\r\n\r\n`,
  `POST ${path} HTTP/1.1\r\n${host}${json}Transfer-Encoding: identity\r\n\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${host}${json}\r\n${record}`,
  `POST ${path} HTTP/1.0\r\n${host}${json}\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n${chunk(record)}`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n${chunk(record)}${chunk('{"value":')}`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n${chunk(record)}ffffffffffffffff\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n${chunk(record)}-1\r\n${record}`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n${chunk(record)}zz\r\n`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n${chunk(record)}3\r\n${record}\r\n0\r\n\r\n`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n26;${'x'.repeat(20_000)}\r\n${record}\r\n0\r\n\r\n`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n${chunk(record)}0\r\n${'T: 1\r\n'.repeat(5000)}\r\n`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n${[...record].map(chunk).join('')}0\r\n\r\n`,
  `POST ${path} HTTP/1.1\r\n${chunkedHeaders}\r\n0\r\n\r\n`,
  `POST /v3/clusters/local/topics HTTP/1.1\r\n${chunkedHeaders}\r\n${chunk('{"topic_name":')}`,
  `POST /topics/${fuzzedTopic} HTTP/1.1\r\n${host}Content-Length: 100\r\n\r\n{"records":[`,
]

export function wireMessage(request: FuzzRequest, chance: Chance): WireMessage {
  const aborts = chance.oneIn(4)
  switch (chance.integer(5)) {
    case 0:
      return { bytes: Buffer.from(chance.pick(heads), 'latin1'), aborts }
    case 1:
      return { bytes: Buffer.from(chance.pick(bodies), 'latin1'), aborts }
    case 2:
      return { bytes: Buffer.concat([serialize(request, chance), serialize(request, chance)]), aborts }
    case 3:
      return { bytes: truncatedBatches(chance), aborts }
    default:
      return { bytes: damage(serialize(request, chance), chance), aborts }
  }
}

function serialize({ method, path: target, headers, body = '' }: FuzzRequest, chance: Chance): Buffer {
  const lines = headers
    .filter(([name]) => name !== 'content-length')
    .map(([name, value]) => `${name}: ${value}\r\n`)
  const bytes = Buffer.from(body)
  const head = (framing: string): Buffer =>
    // An answer to HEAD has a length and no body, which this reader cannot tell.
    Buffer.from(
      `${method === 'HEAD' ? 'GET' : method} ${target} HTTP/1.1\r\n${host}${framing}${lines.join('')}\r\n`,
      'latin1',
    )
  if (bytes.length === 0) return head('')
  if (chance.oneIn(2)) return Buffer.concat([head(`Content-Length: ${bytes.length}\r\n`), bytes])
  const framed = [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')]
  return Buffer.concat([head('Transfer-Encoding: chunked\r\n'), ...framed])
}

function truncatedBatches(chance: Chance): Buffer {
  const batch = validBatch(chance)
  const head =
    `POST /v3/clusters/local/topics/${fuzzedTopic}/partitions/0/records HTTP/1.1\r\n${host}` +
    `Content-Type: application/vnd.millrace.recordbatch\r\nContent-Length: ${batch.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), batch.subarray(0, chance.integer(batch.length))])
}

function damage(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.integer(bytes.length)
  if (chance.oneIn(3)) return bytes.subarray(0, at)
  const noise = Buffer.from(chance.pick(['\0', '\r', '\n', '\r\n', ' ', ':', '\x7f', 'é', '%', '\r\n\r\n']))
  return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at + chance.integer(2))])
}

const closedWithinMs = 5000

/** Sends, says that nothing more comes, and reads until the server has closed the connection. */
export async function exchange(port: number, { bytes, aborts }: WireMessage): Promise<readonly Answer[]> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const chunks: Buffer[] = []
  let late = false
  // A server that refuses early resets the connection while the rest is still being sent.
  socket.on('error', () => {})
  socket.on('data', (data) => chunks.push(data))
  socket.setTimeout(closedWithinMs, () => {
    late = true
    socket.destroy()
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(bytes, () => (aborts ? socket.resetAndDestroy() : socket.end()))
  socket.once('end', () => socket.end())
  await closed
  if (late) return [{ status: 599, type: '', text: `not closed within ${closedWithinMs} ms` }]
  return parseAnswers(Buffer.concat(chunks))
}

/** Every whole answer; one that the server had no time to finish is left out. */
function parseAnswers(bytes: Buffer): readonly Answer[] {
  const answers: Answer[] = []
  let rest = bytes
  for (let headEnd = rest.indexOf('\r\n\r\n'); headEnd >= 0; headEnd = rest.indexOf('\r\n\r\n')) {
    const head = rest.subarray(0, headEnd).toString('latin1')
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 598)
    const type = /^content-type: *(.*)$/im.exec(head)?.[1] ?? ''
    rest = rest.subarray(headEnd + 4)
    if (status === 100) continue
    const body = takeBody(head, rest)
    if (body === undefined) break
    answers.push({ status, type, text: body.text })
    rest = rest.subarray(body.length)
  }
  return answers
}

function takeBody(head: string, rest: Buffer): { text: string; length: number } | undefined {
  const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0)
  if (!/^transfer-encoding: *chunked$/im.test(head)) {
    return rest.length < length ? undefined : { text: rest.toString('utf8', 0, length), length }
  }
  let text = ''
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16)
    const start = lineEnd + 2
    if (size === 0) return { text, length: start + 2 }
    if (start + size + 2 > rest.length) return undefined
    text += rest.toString('utf8', start, start + size)
    at = start + size + 2
  }
}
