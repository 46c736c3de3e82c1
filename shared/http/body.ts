// Request bodies: how many bytes may come, how long a client may take, and how much of them is in memory at
// once.
// Refuses: more than limits.bodyBytesMax (413), a silent client (408), a body that is not what
// Content-Length promised (400), a Content-Encoding (415: what it unpacks to cannot be bounded before it is
// unpacked; record batches carry their own compression). Knows nothing of what is in a body.

import { Readable } from 'node:stream'
import type { Context } from 'hono'
import { KafkaError } from '../base/errors.ts'
import type { Clock } from '../ports/world.ts'
import type { HttpDeps, HttpLimits } from './context.ts'
import { createGrowingBytes } from './wire/growingBytes.ts'

export interface BodyStream {
  /** undefined: the body comes in chunks and ends when it ends. */
  readonly contentLength: number | undefined
  /** The next bytes, undefined at the end. REQUEST_BODY_TIMEOUT when nothing comes within `idleMsMax`. */
  read(idleMsMax: number): Promise<Uint8Array | undefined>
}

/**
 * Reads the whole body and hands it to `use`; its bytes count against limits.bodiesBytesMax until `use` is
 * done.
 * Requests that find no room wait in the order they came, before a byte of their body is read.
 */
export const withBody = async <T>(
  c: Context,
  deps: HttpDeps,
  use: (body: Uint8Array) => Promise<T>,
  /** Of this route, where it takes less than others. */
  routeBytesMax = Number.POSITIVE_INFINITY,
): Promise<T> => {
  const bodyBytesMax = Math.min(routeBytesMax, deps.limits.bodyBytesMax)
  const stream = openBody(c, deps.clock)
  if ((stream.contentLength ?? 0) > bodyBytesMax) throw tooLarge(bodyBytesMax)
  const { bodyRoom: room } = deps
  let held = await room.acquire(stream.contentLength ?? bodyBytesMax)
  try {
    const body = await readAll(stream, { bodyBytesMax, bodyIdleMsMax: deps.limits.bodyIdleMsMax })
    const surplus = held - Math.min(held, body.length)
    room.release(surplus)
    held -= surplus
    return await use(body)
  } finally {
    room.release(held)
  }
}

/** The whole body, for callers who keep nothing of it once it is parsed. */
export const readBody = (c: Context, deps: HttpDeps, routeBytesMax?: number): Promise<Uint8Array> =>
  withBody(c, deps, (body) => Promise.resolve(body), routeBytesMax)

export const openBody = (c: Context, clock: Clock): BodyStream => {
  const encoding = c.req.header('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    const hint = 'send the body as it is; record batches may be compressed inside'
    throw new KafkaError('UNSUPPORTED_MEDIA_TYPE', `Content-Encoding is not supported: ${hint}`)
  }
  const source = sourceOf(c)
  const read = async (idleMsMax: number): Promise<Uint8Array | undefined> => {
    const atHand = source.next()
    if (!(atHand instanceof Promise)) return atHand
    const timer = new AbortController()
    const idle = clock.sleep(idleMsMax, timer.signal).then(() => 'idle' as const)
    const next = await Promise.race([atHand.catch(refuseAborted), idle]).finally(() => timer.abort('read'))
    if (next !== 'idle') return next
    throw new KafkaError('REQUEST_BODY_TIMEOUT', `nothing more of the body came within ${idleMsMax} ms`)
  }
  return { contentLength: parseContentLength(c.req.header('content-length')), read }
}

type ReadLimits = Pick<HttpLimits, 'bodyBytesMax' | 'bodyIdleMsMax'>

const readAll = (stream: BodyStream, limits: ReadLimits): Promise<Uint8Array> =>
  stream.contentLength === undefined
    ? readUnmeasured(stream, limits)
    : readMeasured(stream, stream.contentLength, limits)

// Copied as it comes: a chunk is still in the processor's cache then, and the body is allocated once.
const readMeasured = async (stream: BodyStream, length: number, limits: ReadLimits): Promise<Uint8Array> => {
  let body: Uint8Array | undefined
  let filled = 0
  for (;;) {
    const chunk = await stream.read(limits.bodyIdleMsMax)
    if (chunk === undefined) break
    if (filled + chunk.length > length) throw lengthDiffers(length)
    if (chunk.length === length) body = chunk
    else {
      body ??= Buffer.allocUnsafeSlow(length)
      body.set(chunk, filled)
    }
    filled += chunk.length
  }
  if (filled !== length) throw lengthDiffers(length)
  return body ?? new Uint8Array(0)
}

const readUnmeasured = async (stream: BodyStream, limits: ReadLimits): Promise<Uint8Array> => {
  const body = createGrowingBytes()
  for (;;) {
    const chunk = await stream.read(limits.bodyIdleMsMax)
    if (chunk === undefined) return body.take()
    if (body.length() + chunk.length > limits.bodyBytesMax) throw tooLarge(limits.bodyBytesMax)
    body.append(chunk)
  }
}

interface Source {
  /** The next bytes, undefined at the end; a promise only where they have to be waited for. */
  next(): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

// Under @hono/node-server the request's own stream is at hand: half the cost of the web stream around it.
const sourceOf = (c: Context): Source => {
  const env: unknown = c.env
  if (typeof env === 'object' && env !== null && 'incoming' in env && env.incoming instanceof Readable) {
    return readableSource(env.incoming)
  }
  const reader = c.req.raw.body?.getReader()
  return { next: async () => (await reader?.read())?.value }
}

const readableSource = (incoming: Readable): Source => {
  let wake = (): void => {}
  const events = ['readable', 'end', 'error', 'close'] as const
  const take = (): Uint8Array | undefined => {
    const chunk: unknown = incoming.read()
    if (chunk instanceof Uint8Array) return chunk
    if (incoming.errored !== null) throw incoming.errored
    if (incoming.destroyed && !incoming.readableEnded) throw new Error('the request was destroyed')
    return undefined
  }
  const wait = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      const woken = Promise.withResolvers<void>()
      wake = woken.resolve
      await woken.promise
      const chunk = take()
      if (chunk !== undefined || incoming.readableEnded) return chunk
    }
  }
  for (const event of events) incoming.on(event, () => wake())
  return {
    next: () => (incoming.readableEnded ? undefined : (take() ?? wait())),
  }
}

const parseContentLength = (header: string | undefined): number | undefined => {
  if (header === undefined) return undefined
  const length = /^\d{1,16}$/.test(header) ? Number(header) : Number.NaN
  if (Number.isSafeInteger(length)) return length
  throw new KafkaError('BAD_REQUEST', 'Content-Length is not a number of bytes')
}

const refuseAborted = (): never => {
  throw new KafkaError('BAD_REQUEST', 'the connection was closed before the whole body had come')
}

const tooLarge = (bytesMax: number): KafkaError =>
  new KafkaError('PAYLOAD_TOO_LARGE', `the request body is larger than ${bytesMax} bytes`)

const lengthDiffers = (promised: number): KafkaError =>
  new KafkaError('BAD_REQUEST', `the body is not of the ${promised} bytes that Content-Length promised`)
