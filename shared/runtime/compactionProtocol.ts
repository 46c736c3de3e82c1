// What the local server and its thread that compacts post each other.

import type { CompactionReport, CompactionSettings, PartitionOutcome } from '../compaction/deps.ts'
import type { PartitionName } from '../service/compactor.ts'
import type { Connection } from '../storage/embedded/open.ts'

export interface ThreadData {
  readonly connection: Connection
  readonly settings: CompactionSettings
}

/** A partition's turn. */
export interface TurnOrder extends PartitionName {
  /** Of this order. */
  readonly id: number
  readonly clusterId: string
  readonly deadlineMs: number
  readonly isAskedFor: boolean
}

/** Turns end at their next clean point, then the thread ends. */
export const stop = 'stop'

export interface TurnNews {
  /** Of the order. */
  readonly id: number
  /** What was done since the last news of its cluster. */
  readonly report: CompactionReport
  /** undefined: the turn goes on. */
  readonly end: TurnEnd | undefined
}

export type TurnEnd =
  | { readonly kind: 'done'; readonly outcome: PartitionOutcome }
  | { readonly kind: 'failed'; readonly message: string }
