// What the two computes of AWS can carry, and for how long. infra sets the functions' timeouts to requestMsMax.

import type { HttpLimits } from '../http/context.ts'

export type HttpFunctionName = 'produce' | 'fetch'

/** How long one request may take: a body of 20 MiB on a slow line; a stream of events, which its client resumes. */
export const requestMsMax: Readonly<Record<HttpFunctionName, number>> = { produce: 120_000, fetch: 900_000 }

export type Compute = 'web' | 'classic'

const mebibyte = 1024 * 1024

/**
 * The event of a classic invocation has at most 6 MB, in which a body that is no text takes four bytes for three, and
 * headers some more. A larger body is refused by its Content-Length.
 */
const bodies = {
  web: { bodyBytesMax: 20 * mebibyte, bodiesBytesMax: 256 * mebibyte, answersBytesMax: 256 * mebibyte },
  classic: { bodyBytesMax: 4 * mebibyte, bodiesBytesMax: 4 * mebibyte, answersBytesMax: 128 * mebibyte },
} satisfies Record<Compute, Partial<HttpLimits>>

export const limitsOf = (compute: Compute, name: HttpFunctionName): HttpLimits => ({
  ...bodies[compute],
  bodyIdleMsMax: 30_000,
  // The front door waits a minute for the first byte of an answer.
  fetchWaitMsMax: 30_000,
  batchEntriesMax: 10,
  // The rest is for the last answer.
  streamMsMax: requestMsMax[name] - 10_000,
})
