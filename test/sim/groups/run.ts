// The groups of one run: what their clients share.

import type { Sim } from '../sim.ts'
import type { GroupHistory } from './history.ts'
import type { Network } from './network.ts'

export interface GroupTimes {
  readonly intervalMs: number
  readonly sessionMs: number
  readonly rebalanceMs: number
  /** How far apart two processes' clocks may be. */
  readonly skewMs: number
}

export interface GroupRun {
  readonly sim: Sim
  readonly history: GroupHistory
  readonly network: Network
  readonly times: GroupTimes
}

/** A client of a group as it is driven, by chance under faults and by rounds after them. */
export interface Client {
  readonly groupId: string
  readonly name: string
  /** One heartbeat, and whatever it asks for. */
  beat(): Promise<void>
  /** Reads once; false: there was nothing to read. */
  read(): Promise<boolean>
  /** What was read; false: something of it was not taken. */
  commit(): Promise<boolean>
  /** What it thinks that it owns. */
  owned(): Promise<readonly string[]>
  leave(): Promise<void>
  isLiving(): boolean
}
