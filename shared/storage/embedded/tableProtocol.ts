// What the embedded table and its writer thread say to each other: one array of requests, one array of
// replies in the same order. Arrays travel as transferred bytes, because a posted view would be copied with
// the whole buffer below it.
import { deserialize, serialize } from 'node:v8'
import type { TransactOutcome, TransactWrite, Write, WriteOutcome } from '../../ports/table.ts'

export type Request =
  | { readonly kind: 'write'; readonly write: Write }
  | { readonly kind: 'transact'; readonly writes: readonly TransactWrite[] }

export type Reply =
  | { readonly kind: 'written'; readonly outcome: WriteOutcome }
  | { readonly kind: 'transacted'; readonly outcome: TransactOutcome }
  /** The request broke a limit or a rule: a mistake of our own. */
  | { readonly kind: 'mistake'; readonly message: string }
  | { readonly kind: 'failed'; readonly effect: 'none' | 'unknown'; readonly message: string }

export const ready = 'ready'
export const close = 'close'

export const encodeRequests = (requests: readonly Request[]): Uint8Array<ArrayBuffer> => toBytes(requests)

export const decodeRequests = (bytes: Uint8Array): readonly Request[] =>
  deserialize(bytes) as readonly Request[]

export const encodeReplies = (replies: readonly Reply[]): Uint8Array<ArrayBuffer> => toBytes(replies)

export const decodeReplies = (bytes: Uint8Array): readonly Reply[] => deserialize(bytes) as readonly Reply[]

const toBytes = (value: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(serialize(value))
