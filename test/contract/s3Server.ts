// The few S3 operations that the object port uses, over HTTP on 127.0.0.1: PutObject with If-None-Match,
// GetObject with a range, ListObjectsV2 and DeleteObjects, path style. It checks no signatures and says
// nothing about S3's other behaviour. `refuseNext` answers the next requests of a method with an error; after
// "lostAnswer" the request was carried out.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface Refusal {
  readonly method: string
  readonly status: number
  readonly code: string
  readonly lostAnswer?: boolean
}

export interface S3Server {
  readonly endpoint: string
  /** "PUT /bucket/name" and so on, in their order. */
  readonly requests: readonly string[]
  refuseNext(refusal: Refusal): void
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly body?: string | Uint8Array
}

export const startS3Server = async (bucket: string): Promise<S3Server> => {
  const objects = new Map<string, Buffer>()
  const requests: string[] = []
  const refusals: Refusal[] = []

  const respond = async (request: IncomingMessage): Promise<Answer> => {
    const url = new URL(request.url ?? '', 'http://localhost')
    const body = await bodyOf(request)
    requests.push(`${request.method} ${url.pathname}`)
    const refusal = refusals.findIndex(({ method }) => method === request.method)
    const refused = refusal === -1 ? undefined : refusals.splice(refusal, 1)[0]
    if (refused !== undefined && !refused.lostAnswer) return errorAnswer(refused.status, refused.code)
    const name = decodeURIComponent(url.pathname.slice(bucket.length + 2))
    const answer = operate(objects, { request, url, name, body })
    return refused === undefined ? answer : errorAnswer(refused.status, refused.code)
  }

  const server = createServer((request, response) => {
    respond(request).then(
      (answer) => send(response, answer),
      (error) => response.destroy(error),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    refuseNext: (refusal) => refusals.push(refusal),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Call {
  readonly request: IncomingMessage
  readonly url: URL
  readonly name: string
  readonly body: Buffer
}

const operate = (objects: Map<string, Buffer>, { request, url, name, body }: Call): Answer => {
  if (request.method === 'PUT') {
    if (request.headers['if-none-match'] === '*' && objects.has(name)) {
      return errorAnswer(412, 'PreconditionFailed')
    }
    objects.set(name, body)
    return { status: 200 }
  }
  if (request.method === 'POST' && url.searchParams.has('delete')) {
    for (const [, key = ''] of body.toString().matchAll(/<Key>(.*?)<\/Key>/g)) objects.delete(key)
    return { status: 200, body: '<DeleteResult></DeleteResult>' }
  }
  if (url.searchParams.get('list-type') === '2') return list([...objects], url.searchParams)
  const object = objects.get(name)
  if (object === undefined) return errorAnswer(404, 'NoSuchKey')
  return read(object, request.headers.range)
}

const read = (object: Buffer, range: string | undefined): Answer => {
  if (range === undefined) return { status: 200, body: object }
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
  if (Number(first) >= object.byteLength) return errorAnswer(416, 'InvalidRange')
  return { status: 206, body: object.subarray(Number(first), Number(last) + 1) }
}

const list = (objects: readonly (readonly [string, Buffer])[], parameters: URLSearchParams): Answer => {
  const prefix = parameters.get('prefix') ?? ''
  const after = parameters.get('start-after') ?? ''
  const limit = Number(parameters.get('max-keys'))
  const matching = objects
    .filter(([name]) => name.startsWith(prefix) && name > after)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
  const contents = matching
    .slice(0, limit)
    .map(([name, { byteLength }]) => `<Contents><Key>${name}</Key><Size>${byteLength}</Size></Contents>`)
  const truncated = `<IsTruncated>${matching.length > limit}</IsTruncated>`
  return { status: 200, body: `<ListBucketResult>${truncated}${contents.join('')}</ListBucketResult>` }
}

const errorAnswer = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
})

const send = (response: ServerResponse, { status, body = '' }: Answer): void => {
  const contentType = typeof body === 'string' ? 'application/xml' : 'application/octet-stream'
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}
