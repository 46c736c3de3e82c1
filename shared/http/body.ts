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
): Promise<T> => {
  const stream = openBody(c, deps.clock)
  const { bodyBytesMax } = deps.limits
  if ((stream.contentLength ?? 0) > bodyBytesMax) throw tooLarge(bodyBytesMax)
  const room = bodyRoom(deps)
  let held = await room.acquire(stream.contentLength ?? bodyBytesMax)
  try {
    const body = await readAll(stream, deps)
    const surplus = held - Math.min(held, body.length)
    room.release(surplus)
    held -= surplus
    return await use(body)
  } finally {
    room.release(held)
  }
}

/** The whole body, for callers who keep nothing of it once it is parsed. */
export const readBody = (c: Context, deps: HttpDeps): Promise<Uint8Array> =>
  withBody(c, deps, (body) => Promise.resolve(body))

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

export interface ByteRoom {
  /**
   * Resolves when there is room, in the order of the calls; answers the bytes taken, at most the whole
   * room.
   */
  acquire(bytes: number): Promise<number>
  release(bytes: number): void
}

export const createByteRoom = (bytesMax: number): ByteRoom => {
  let free = bytesMax
  const waiting: { readonly bytes: number; readonly enter: () => void }[] = []
  const admit = (): void => {
    for (let first = waiting[0]; first !== undefined && first.bytes <= free; first = waiting[0]) {
      free -= first.bytes
      waiting.shift()
      first.enter()
    }
  }
  return {
    acquire: async (asked) => {
      const bytes = Math.min(asked, bytesMax)
      if (waiting.length === 0 && bytes <= free) {
        free -= bytes
        return bytes
      }
      const entered = Promise.withResolvers<void>()
      waiting.push({ bytes, enter: entered.resolve })
      await entered.promise
      return bytes
    },
    release: (bytes) => {
      free += bytes
      admit()
    },
  }
}

// Every route of one app shares the room; it hangs on the app's dependencies because routes are registered
// one by one.
const rooms = new WeakMap<HttpDeps, ByteRoom>()

export const bodyRoom = (deps: HttpDeps): ByteRoom => {
  const known = rooms.get(deps)
  if (known !== undefined) return known
  const room = createByteRoom(deps.limits.bodiesBytesMax)
  rooms.set(deps, room)
  return room
}

const readAll = async (stream: BodyStream, deps: HttpDeps): Promise<Uint8Array> => {
  const promised = stream.contentLength
  return promised === undefined
    ? readUnmeasured(stream, deps.limits)
    : readMeasured(stream, promised, deps.limits)
}

// Copied as it comes: a chunk is still in the processor's cache then, and the body is allocated once.
const readMeasured = async (stream: BodyStream, length: number, limits: HttpLimits): Promise<Uint8Array> => {
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

const readUnmeasured = async (stream: BodyStream, limits: HttpLimits): Promise<Uint8Array> => {
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
