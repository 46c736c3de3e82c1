// A small S3 on 127.0.0.1 for the operations that the object port uses, path style, in memory. It is strict where S3
// is: checksums, part sizes, conditions, limits. It checks no signatures. `failNext` makes the next request of an
// operation go wrong in one of the ways that a caller has to live with.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Answer, createBucket, errorAnswer, type S3Operation } from './s3Bucket.ts'

export type Fault =
  /** Refused: nothing was done. A status of 200 is S3's error in the body of a success. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** Carried out, then answered with an error. */
  | { readonly kind: 'failed'; readonly status: number; readonly code: string }
  /** Carried out, then the connection is cut. */
  | { readonly kind: 'unanswered' }
  /** The connection is cut, nothing was done. */
  | { readonly kind: 'cut' }
  /** Carried out and never answered. */
  | { readonly kind: 'silent' }
  /** The head and half of the body, then nothing more. */
  | { readonly kind: 'stalled' }
  /** The head and half of the body, then the connection is cut. */
  | { readonly kind: 'truncated' }
  /** A well-formed answer whose body is one byte shorter than the range that its head names. */
  | { readonly kind: 'shortened' }

export interface S3Server {
  readonly endpoint: string
  /** "PUT /bucket/name" and so on, in their order. */
  readonly requests: readonly string[]
  /** The same as S3 names them. */
  readonly operations: readonly S3Operation[]
  /** The headers of the last request of an operation. */
  headersOf(operation: S3Operation): IncomingMessage['headers'] | undefined
  failNext(operation: S3Operation, fault: Fault): void
  /** From now on deletes of the name are refused with the code, as an object lock does. */
  protect(name: string, code: string): void
  /** Multipart uploads neither completed nor aborted. */
  openUploads(): number
  /** Requests whose connection was closed by the caller before it was answered. */
  abandoned(): number
  close(): Promise<void>
}

export const startS3Server = async (bucketName: string): Promise<S3Server> => {
  const bucket = createBucket()
  const requests: string[] = []
  const operations: S3Operation[] = []
  const headers = new Map<S3Operation, IncomingMessage['headers']>()
  const faults: { readonly operation: S3Operation; readonly fault: Fault }[] = []
  let abandoned = 0

  const takeFault = (operation: S3Operation): Fault | undefined => {
    const index = faults.findIndex((one) => one.operation === operation)
    return index === -1 ? undefined : faults.splice(index, 1)[0]?.fault
  }

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://localhost')
    const operation = operationOf(request.method ?? '', url.searchParams)
    const body = await bodyOf(request)
    requests.push(`${request.method} ${url.pathname}`)
    operations.push(operation)
    headers.set(operation, request.headers)
    const fault = takeFault(operation)
    response.on('close', () => {
      if (!response.writableFinished && fault?.kind !== 'cut') abandoned += 1
    })
    const name = decodeURIComponent(url.pathname.slice(bucketName.length + 2))
    const call = { operation, name, body, headers: request.headers, parameters: url.searchParams }
    if (fault?.kind === 'refused') send(response, errorAnswer(fault.status, fault.code))
    else if (fault?.kind === 'cut') cut(response)
    else if (fault === undefined) send(response, bucket.operate(call))
    else sendBadly(response, bucket.operate(call), fault)
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error) => response.destroy(error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    operations,
    headersOf: (operation) => headers.get(operation),
    failNext: (operation, fault) => faults.push({ operation, fault }),
    protect: bucket.protect,
    openUploads: bucket.openUploads,
    abandoned: () => abandoned,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const operationOf = (method: string, parameters: URLSearchParams): S3Operation => {
  if (method === 'PUT') return parameters.has('uploadId') ? 'UploadPart' : 'PutObject'
  if (method === 'DELETE') return 'AbortMultipartUpload'
  if (method === 'GET') return parameters.get('list-type') === '2' ? 'ListObjectsV2' : 'GetObject'
  if (parameters.has('uploads')) return 'CreateMultipartUpload'
  return parameters.has('uploadId') ? 'CompleteMultipartUpload' : 'DeleteObjects'
}

const sendBadly = (response: ServerResponse, answer: Answer, fault: Fault): void => {
  if (fault.kind === 'failed') send(response, errorAnswer(fault.status, fault.code))
  if (fault.kind === 'stalled') sendHalf(response, answer, () => undefined)
  if (fault.kind === 'truncated') sendHalf(response, answer, () => cut(response))
  if (fault.kind === 'shortened') send(response, { ...answer, body: bytesOf(answer).subarray(1) })
  if (fault.kind === 'unanswered') cut(response)
}

const cut = (response: ServerResponse): void => {
  response.destroy()
}

const sendHalf = (response: ServerResponse, answer: Answer, then: () => void): void => {
  const body = bytesOf(answer)
  writeHead(response, answer, body.byteLength)
  response.write(body.subarray(0, body.byteLength / 2), then)
}

const send = (response: ServerResponse, answer: Answer): void => {
  const body = bytesOf(answer)
  writeHead(response, answer, body.byteLength)
  response.end(body)
}

const bytesOf = ({ body = '' }: Answer): Uint8Array => (typeof body === 'string' ? Buffer.from(body) : body)

const writeHead = (response: ServerResponse, answer: Answer, bodyBytes: number): void => {
  const contentType = typeof answer.body === 'string' ? 'application/xml' : 'application/octet-stream'
  const headers = { 'content-type': contentType, 'content-length': bodyBytes, ...answer.headers }
  response.writeHead(answer.status, headers)
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}
