// What the small S3 server does with a request: the objects of one bucket, its multipart uploads, and S3's rules about
// them. Refuses what S3 refuses, and what it was not written for.
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { crc32 } from 'node:zlib'

export type S3Operation =
  | 'PutObject'
  | 'GetObject'
  | 'ListObjectsV2'
  | 'DeleteObjects'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'

export interface Call {
  readonly operation: S3Operation
  readonly name: string
  readonly body: Buffer
  readonly headers: IncomingHttpHeaders
  readonly parameters: URLSearchParams
}

export interface Answer {
  readonly status: number
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

interface Upload {
  readonly name: string
  readonly parts: Map<number, Buffer>
}

interface Bucket {
  operate(call: Call): Answer
  protect(name: string, code: string): void
  openUploads(): number
}

const partBytesMin = 5 * 1024 * 1024
const keysPerDeleteMax = 1000
const keysPerListMax = 1000

export const createBucket = (): Bucket => {
  const objects = new Map<string, Buffer>()
  const protections = new Map<string, string>()

  const store: Store = ({ name, headers }, bytes, etag) => {
    if (headers['if-none-match'] === '*' && objects.has(name)) return errorAnswer(412, 'PreconditionFailed')
    objects.set(name, bytes)
    return { status: 200, headers: { etag } }
  }
  const uploads = createUploads(store)

  const deleteObjects = ({ body }: Call): Answer => {
    const names = [...body.toString().matchAll(/<Key>(.*?)<\/Key>/g)].map(([, name = '']) => name)
    if (names.length === 0 || names.length > keysPerDeleteMax) return errorAnswer(400, 'MalformedXML')
    const errors = names.map((name) => {
      const code = protections.get(name)
      if (code === undefined) objects.delete(name)
      return code === undefined ? '' : `<Error><Key>${name}</Key><Code>${code}</Code></Error>`
    })
    return { status: 200, body: `<DeleteResult>${errors.join('')}</DeleteResult>` }
  }

  const operate = (call: Call): Answer => {
    const refusal = badBody(call)
    if (refusal !== undefined) return refusal
    switch (call.operation) {
      case 'PutObject':
        return store(call, call.body, etagOf(call.body))
      case 'GetObject':
        return read(objects.get(call.name), call.headers.range)
      case 'ListObjectsV2':
        return list([...objects], call.parameters)
      case 'DeleteObjects':
        return deleteObjects(call)
      default:
        return uploads.operate(call)
    }
  }

  return { operate, protect: (name, code) => protections.set(name, code), openUploads: uploads.open }
}

type Store = (call: Call, bytes: Buffer, etag: string) => Answer

const createUploads = (store: Store) => {
  const uploads = new Map<string, Upload>()
  let created = 0

  const create = ({ name, headers }: Call): Answer => {
    if (headers['x-amz-checksum-algorithm'] !== 'CRC32') return errorAnswer(501, 'NotImplemented')
    created += 1
    uploads.set(`upload-${created}`, { name, parts: new Map() })
    const id = `<UploadId>upload-${created}</UploadId>`
    return { status: 200, body: `<InitiateMultipartUploadResult>${id}</InitiateMultipartUploadResult>` }
  }

  const complete = (call: Call, { parts }: Upload): Answer => {
    const named = namedParts(call.body, parts)
    if ('refusal' in named) return named.refusal
    const bytes = Buffer.concat(named.bytes)
    const stored = store(call, bytes, etagOf(bytes))
    if (stored.status !== 200) return stored
    uploads.delete(uploadIdOf(call))
    return { status: 200, body: '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>' }
  }

  const operate = (call: Call): Answer => {
    if (call.operation === 'CreateMultipartUpload') return create(call)
    const upload = uploads.get(uploadIdOf(call))
    if (upload === undefined || upload.name !== call.name) return errorAnswer(404, 'NoSuchUpload')
    if (call.operation === 'UploadPart') return uploadPart(call, upload)
    if (call.operation === 'CompleteMultipartUpload') return complete(call, upload)
    uploads.delete(uploadIdOf(call))
    return { status: 204 }
  }

  return { operate, open: () => uploads.size }
}

export const errorAnswer = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
})

const checked = new Set<S3Operation>(['PutObject', 'UploadPart', 'DeleteObjects'])

/** A body comes whole, with its checksum. */
const badBody = ({ operation, body, headers }: Call): Answer | undefined => {
  if (!checked.has(operation)) return undefined
  if (headers['content-encoding']?.includes('aws-chunked')) return errorAnswer(501, 'NotImplemented')
  const told = headers['x-amz-checksum-crc32']
  if (told === undefined) return errorAnswer(400, 'InvalidRequest')
  return told === checksumOf(body) ? undefined : errorAnswer(400, 'BadDigest')
}

const checksumOf = (bytes: Uint8Array): string => {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(bytes))
  return checksum.toString('base64')
}

const etagOf = (bytes: Uint8Array): string => `"${createHash('md5').update(bytes).digest('hex')}"`

const uploadIdOf = ({ parameters }: Call): string => parameters.get('uploadId') ?? ''

const uploadPart = ({ body, parameters }: Call, { parts }: Upload): Answer => {
  parts.set(Number(parameters.get('partNumber')), body)
  const headers = { etag: etagOf(body), 'x-amz-checksum-crc32': checksumOf(body) }
  return { status: 200, headers }
}

const namedParts = (
  body: Buffer,
  parts: ReadonlyMap<number, Buffer>,
): { readonly bytes: Buffer[] } | { readonly refusal: Answer } => {
  const named = [...body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => part)
  const bytes: Buffer[] = []
  let lastNumber = 0
  for (const [index, part] of named.entries()) {
    const number = Number(element(part, 'PartNumber'))
    const stored = parts.get(number)
    if (stored === undefined || !isNamedRightly(part, stored))
      return { refusal: errorAnswer(400, 'InvalidPart') }
    if (number <= lastNumber) return { refusal: errorAnswer(400, 'InvalidPartOrder') }
    const isLast = index === named.length - 1
    if (!isLast && stored.byteLength < partBytesMin) return { refusal: errorAnswer(400, 'EntityTooSmall') }
    lastNumber = number
    bytes.push(stored)
  }
  return bytes.length === 0 ? { refusal: errorAnswer(400, 'MalformedXML') } : { bytes }
}

const isNamedRightly = (part: string, stored: Buffer): boolean =>
  element(part, 'ETag').replaceAll('&quot;', '"') === etagOf(stored) &&
  element(part, 'ChecksumCRC32') === checksumOf(stored)

const element = (xml: string, name: string): string =>
  new RegExp(`<${name}>(.*?)</${name}>`).exec(xml)?.[1] ?? ''

const read = (object: Buffer | undefined, range: string | undefined): Answer => {
  if (object === undefined) return errorAnswer(404, 'NoSuchKey')
  if (range === undefined) return { status: 200, body: object }
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
  if (Number(first) >= object.byteLength) return errorAnswer(416, 'InvalidRange')
  const body = object.subarray(Number(first), Number(last) + 1)
  const contentRange = `bytes ${first}-${Number(first) + body.byteLength - 1}/${object.byteLength}`
  return { status: 206, body, headers: { 'content-range': contentRange } }
}

const list = (objects: readonly (readonly [string, Buffer])[], parameters: URLSearchParams): Answer => {
  const prefix = parameters.get('prefix') ?? ''
  const after = parameters.get('start-after') ?? ''
  const limit = Math.min(keysPerListMax, Number(parameters.get('max-keys') ?? keysPerListMax))
  const matching = objects
    .filter(([name]) => name.startsWith(prefix) && name > after)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
  const contents = matching
    .slice(0, limit)
    .map(([name, { byteLength }]) => `<Contents><Key>${name}</Key><Size>${byteLength}</Size></Contents>`)
  const truncated = `<IsTruncated>${matching.length > limit}</IsTruncated>`
  return { status: 200, body: `<ListBucketResult>${truncated}${contents.join('')}</ListBucketResult>` }
}
