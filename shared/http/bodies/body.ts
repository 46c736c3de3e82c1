// Request bodies: how many bytes may come, how long a client may take, and how much of them is in memory at
// once.
// Refuses: more than limits.bodyBytesMax (413), a silent or slow client (408), a body that is not what
// Content-Length promised (400), a Content-Encoding (415: what it unpacks to cannot be bounded before it is
// unpacked; record batches carry their own compression). Knows nothing of what is in a body.

import { Readable } from 'node:stream'
import type { Context } from 'hono'
import { KafkaError } from '../../base/errors.ts'
import type { AppEnv, HttpDeps } from '../context.ts'
import { createGrowingBytes } from '../wire/growingBytes.ts'
import { createPace, slowestBytesPerMs } from './pace.ts'

export interface BodyStream {
  /** undefined: the body comes in chunks and ends when it ends. */
  readonly contentLength: number | undefined
  /**
   * The next bytes, undefined at the end. REQUEST_BODY_TIMEOUT when nothing comes within `waitMsMax`, or the client
   * falls behind the slowest pace by limits.bodyIdleMsMax. `isOwed` false: between two records it may be silent.
   */
  read(waitMsMax?: number, isOwed?: boolean): Promise<Uint8Array | undefined>
}

export interface TakenBody {
  readonly body: Uint8Array
  /** It is not needed any more; may be called again. */
  readonly giveBack: () => void
}

/**
 * Reads the whole body; its bytes count against limits.bodiesBytesMax until it is given back.
 * Requests that find no room wait for their turn before a byte of their body is read.
 */
export const takeBody = async (
  c: Context<AppEnv>,
  deps: HttpDeps,
  /** Of this route, where it takes less than others. */
  routeBytesMax = Number.POSITIVE_INFINITY,
): Promise<TakenBody> => {
  const bodyBytesMax = Math.min(routeBytesMax, deps.limits.bodyBytesMax)
  const stream = openBody(c, deps)
  if ((stream.contentLength ?? 0) > bodyBytesMax) throw tooLarge(bodyBytesMax)
  const { bodyRoom: room } = deps
  const entered = room.acquire(c.get('access').tenant, stream.contentLength ?? bodyBytesMax)
  const place = entered instanceof Promise ? await entered : entered
  const giveBack = () => room.resize(place, 0)
  try {
    const body = await readAll(stream, bodyBytesMax)
    room.resize(place, body.length)
    return { body, giveBack }
  } catch (error) {
    giveBack()
    throw error
  }
}

/** Takes the body until `use` is done. */
export const withBody = async <T>(
  c: Context<AppEnv>,
  deps: HttpDeps,
  use: (body: Uint8Array) => Promise<T>,
  routeBytesMax?: number,
): Promise<T> => {
  const { body, giveBack } = await takeBody(c, deps, routeBytesMax)
  try {
    return await use(body)
  } finally {
    giveBack()
  }
}

/** The whole body, for callers who keep nothing of it once it is parsed. */
export const readBody = (c: Context<AppEnv>, deps: HttpDeps, routeBytesMax?: number): Promise<Uint8Array> =>
  withBody(c, deps, (body) => Promise.resolve(body), routeBytesMax)

export const openBody = (c: Context, { clock, limits }: Pick<HttpDeps, 'clock' | 'limits'>): BodyStream => {
  const encoding = c.req.header('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    const hint = 'send the body as it is; record batches may be compressed inside'
    throw new KafkaError('UNSUPPORTED_MEDIA_TYPE', `Content-Encoding is not supported: ${hint}`)
  }
  const source = sourceOf(c)
  const pace = createPace(limits.bodyIdleMsMax)
  const read = async (
    waitMsMax = Number.POSITIVE_INFINITY,
    isOwed = true,
  ): Promise<Uint8Array | undefined> => {
    const atHand = source.next()
    if (!(atHand instanceof Promise)) {
      pace.note(0, lengthOf(atHand))
      return atHand
    }
    const startMs = clock.now()
    const leftMs = isOwed ? Math.min(waitMsMax, pace.leftMs()) : waitMsMax
    const timer = new AbortController()
    const late = clock.sleep(leftMs, timer.signal).then(() => 'late' as const)
    const next = await Promise.race([atHand.catch(refuseAborted), late]).finally(() => timer.abort('read'))
    if (next === 'late') throw tooSlow()
    pace.note(isOwed ? clock.now() - startMs : 0, lengthOf(next))
    return next
  }
  return { contentLength: parseContentLength(c.req.header('content-length')), read }
}

const lengthOf = (chunk: Uint8Array | undefined): number => chunk?.length ?? 0

const readAll = (stream: BodyStream, bodyBytesMax: number): Promise<Uint8Array> =>
  stream.contentLength === undefined
    ? readUnmeasured(stream, bodyBytesMax)
    : readMeasured(stream, stream.contentLength)

// Copied as it comes: a chunk is still in the processor's cache then, and the body is allocated once.
const readMeasured = async (stream: BodyStream, length: number): Promise<Uint8Array> => {
  let body: Uint8Array | undefined
  let filled = 0
  for (;;) {
    const chunk = await stream.read()
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

const readUnmeasured = async (stream: BodyStream, bytesMax: number): Promise<Uint8Array> => {
  const body = createGrowingBytes()
  for (;;) {
    const chunk = await stream.read()
    if (chunk === undefined) return body.take()
    if (body.length() + chunk.length > bytesMax) throw tooLarge(bytesMax)
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
    if (incoming.errored !== null || (incoming.destroyed && !incoming.readableEnded)) refuseAborted()
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

const tooSlow = (): KafkaError => {
  const slowest = `a body comes at ${slowestBytesPerMs} kB a second at least`
  return new KafkaError('REQUEST_BODY_TIMEOUT', `not enough of the body came in time: ${slowest}`)
}

const tooLarge = (bytesMax: number): KafkaError =>
  new KafkaError('PAYLOAD_TOO_LARGE', `the request body is larger than ${bytesMax} bytes`)

const lengthDiffers = (promised: number): KafkaError =>
  new KafkaError('BAD_REQUEST', `the body is not of the ${promised} bytes that Content-Length promised`)
