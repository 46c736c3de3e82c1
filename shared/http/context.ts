// What every route gets: the clusters by id, the limits of the edge and the ports of time. Routes hold no
// rules of the log.

import type { OpenAPIHono } from '@hono/zod-openapi'
import { type ByteRoom, createByteRoom } from '../base/byteRoom.ts'
import type { Clock, Random } from '../ports/world.ts'
import type { Access } from '../service/access.ts'
import { type BlockViews, createBlockViews } from './bodies/blockViews.ts'
import { createDeadlines, type Deadlines } from './bodies/deadlines.ts'

export interface HttpLimits {
  /** A request body, in bytes; beyond it 413 before the body is read. */
  readonly bodyBytesMax: number
  /** Bodies held in memory at once, in bytes; beyond it, or beyond their tenant's share, requests wait their turn. */
  readonly bodiesBytesMax: number
  /** The same for answers with records: what is read for them, and what of them is not sent yet. */
  readonly answersBytesMax: number
  /** How far a client may fall behind the slowest pace, in milliseconds; beyond it 408, or its answer is cut off. */
  readonly bodyIdleMsMax: number
  /** Longest wait of a fetch, in milliseconds. */
  readonly fetchWaitMsMax: number
  /** Entries of one records:batch request. */
  readonly batchEntriesMax: number
  /** A long records stream or event stream is ended after this long. */
  readonly streamMsMax: number
}

/** A file that /docs may serve, read once when the process starts. */
export interface DocsAsset {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What a request is known by. */
export interface RequestFacts {
  readonly requestId: string
  /** Of the caller's trace, where the request is part of one. */
  readonly traceId: string | undefined
  readonly method: string
  readonly path: string
}

/** What an app is made of. */
export interface AppDeps {
  /** Runs each request; `serve` answers the status. Where nobody needs to know of requests there is none. */
  readonly aroundRequest?: (request: RequestFacts, serve: () => Promise<number>) => Promise<unknown>
  /** Who calls from that address, and what that opens. Error: UNAUTHENTICATED. */
  readonly authenticate: (request: Request, clientHost: string, requestId: string) => Promise<Access>
  /** The client's address, as whoever stands before this process says it; absent: the connection's. */
  readonly clientAddress?: (request: Request) => string
  readonly clock: Clock
  /** For request ids. */
  readonly random: Random
  readonly limits: HttpLimits
  /** Of the package, as /health and /openapi.json say it. */
  readonly version: string
  /** The server is this machine's own: requests that name another host are refused, a web page sent them. */
  readonly loopbackOnly: boolean
  /** One cheap read of the table; rejects where the storage does not answer. */
  readonly probeStorage: () => Promise<void>
  /** By file name; empty: there is no /docs page. */
  readonly docsAssets: ReadonlyMap<string, DocsAsset>
  /** A failure of ours, with the request it happened in: for the operator's log, never for the client. */
  readonly reportFailure: (
    error: unknown,
    request: { readonly method: string; readonly path: string },
  ) => void
}

/** What its routes get. */
export interface HttpDeps extends AppDeps {
  /** Bodies of all routes share it: limits.bodiesBytesMax. */
  readonly bodyRoom: ByteRoom
  /** What JSON records of whole bodies take beside these, until they are stored and answered; as large. */
  readonly parsedRoom: ByteRoom
  /** Answers with records share it: limits.answersBytesMax. */
  readonly answerRoom: ByteRoom
  /** Beside them, half as much. */
  readonly blockViews: BlockViews
  readonly deadlines: Deadlines
}

export function createHttpDeps(deps: AppDeps): HttpDeps {
  const { bodiesBytesMax, answersBytesMax } = deps.limits
  return {
    ...deps,
    bodyRoom: createByteRoom(bodiesBytesMax),
    parsedRoom: createByteRoom(bodiesBytesMax),
    answerRoom: createByteRoom(answersBytesMax),
    blockViews: createBlockViews(createByteRoom(answersBytesMax / 2)),
    deadlines: createDeadlines(deps.clock),
  }
}

export type AppEnv = {
  readonly Variables: {
    readonly requestId: string
    readonly access: Access
    /** The request is under way until what this answers is called: for an answer that is written later. */
    readonly endLater: () => () => void
  }
}
export type App = OpenAPIHono<AppEnv>
