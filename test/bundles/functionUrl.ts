// A function URL in response streaming mode: HTTP requests become events, what the function streams becomes the answer.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { LambdaEnvironment } from './lambdaEnvironment.ts'

export interface FunctionUrl {
  readonly url: string
  close(): Promise<void>
}

/** What Lambda takes as an event. */
const eventBytesMax = 6 * 1024 * 1024
const answerType = 'application/vnd.awslambda.http-integration-response'
/** Between the head of an answer and its body. */
const delimiter = Buffer.alloc(8)

export async function startFunctionUrl(environment: LambdaEnvironment): Promise<FunctionUrl> {
  const server = createServer((request, response) => {
    answer(environment, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(environment: LambdaEnvironment, request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const event = eventOf(request, Buffer.concat(chunks))
  if (Buffer.byteLength(JSON.stringify(event)) > eventBytesMax) {
    const Message = `Request must be smaller than ${eventBytesMax} bytes for the InvokeFunction operation`
    response.writeHead(413, { 'content-type': 'application/json' }).end(JSON.stringify({ Message }))
    return
  }
  const invoked = await environment.invoke(event)
  if ('failure' in invoked || invoked.type !== answerType) {
    response.writeHead(502).end('failure' in invoked ? invoked.failure : `an answer of type ${invoked.type}`)
    return
  }
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of invoked.body) {
    if (head === undefined) {
      response.write(chunk)
      continue
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf(delimiter)
    if (end === -1) continue
    const { statusCode, headers } = JSON.parse(head.subarray(0, end).toString())
    response.writeHead(statusCode, headers)
    response.write(head.subarray(end + delimiter.length))
    head = undefined
  }
  response.end()
}

const textTypes = /^(text\/|application\/(json|javascript|xml))/

function eventOf({ method = 'GET', url = '/', headers }: IncomingMessage, body: Buffer) {
  const { pathname, search } = new URL(url, 'http://localhost')
  const isText = textTypes.test(headers['content-type'] ?? '')
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'url',
      domainName: headers.host,
      http: { method, path: pathname, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'url',
      routeKey: '$default',
      stage: '$default',
    },
    ...(body.length === 0 ? {} : { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  }
}
