// A consumer group as it is stored: what every decision of the group engine takes and gives back. Packed into one table
// item by groupItem.ts; times are in milliseconds since 1970.

/** Of one topic, in ascending order. */
export type Partitions = readonly number[]

/** Topic id to partitions; a topic without partitions is left out. */
export type Assignment = ReadonlyMap<string, Partitions>

export interface StoredMember {
  readonly memberId: string
  /** Small, unique in the group, given again when the member is gone: where its last heartbeat is noted. */
  readonly slot: number
  readonly instanceId: string | undefined
  readonly rackId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  /** By name, ascending. */
  readonly subscribedTopicNames: readonly string[]
  readonly subscribedTopicRegex: string | undefined
  readonly assignor: string | undefined
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** Of the last heartbeat that changed something; later ones are noted by slot. */
  readonly seenAtMs: number
  /** -2: a static member that left for a while; its partitions wait for it until its session ends. */
  readonly memberEpoch: number
  /** Before the last change of memberEpoch: an answer may have been lost. */
  readonly previousMemberEpoch: number
  /** What it owns and may go on with. */
  readonly assigned: Assignment
  /** What it has to give up before it gets on; nobody else gets it until it said so. */
  readonly revoking: Assignment
  /** Since when it is asked to; undefined: there is nothing to give up. */
  readonly revokingSinceMs: number | undefined
}

export interface StoredGroup {
  /** Grows with every write: the condition of the next. 0: there is no item. */
  readonly version: number
  /** Grows when members, subscriptions or topics change; `target` is made anew in the same write. */
  readonly groupEpoch: number
  /** What the members subscribe to: topic id to name and partition count. */
  readonly topics: ReadonlyMap<string, { readonly name: string; readonly partitionCount: number }>
  /** Member id to what it is to own. */
  readonly target: ReadonlyMap<string, Assignment>
  readonly members: ReadonlyMap<string, StoredMember>
  /** Since when nobody is in it; undefined: there are members. */
  readonly emptySinceMs: number | undefined
}
