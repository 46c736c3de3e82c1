// When the members of one group were last heard of. A heartbeat that changes nothing is only remembered; it is written
// down when what is written is older than a third of the member's session, and then together with whatever else this
// process has heard: one write for up to 128 members. So another process that finds nothing newer than a session knows
// that nobody has heard of the member.
//
// Item alive/<slots>: attribute s<slot> = when the last heartbeat came that is noted, in milliseconds.

import type { StoredMember } from '../metadata/groupState.ts'
import { alivePrefix, type Scope } from '../metadata/scope.ts'
import { type RetryDeps, retryRepeatable } from '../ports/retry.ts'
import type { Table } from '../ports/table.ts'

export interface LivenessDeps extends RetryDeps {
  readonly table: Table
  readonly scope: Scope
}

export interface Liveness {
  /** As far as this process knows. */
  lastSeen(slot: number): number | undefined
  /** Learns what other processes have heard. */
  read(): Promise<void>
  /** These members are heard of now; answers when that is safely known to whoever may want to expire them. */
  note(members: readonly StoredMember[]): Promise<void>
}

const slotsPerItem = 128
const blocksMax = 100
/** Of a session: three writes may be missed. */
const noteShare = 1 / 3

const attributeOf = (slot: number): string => `s${slot}`
const blockOf = (slot: number): number => Math.floor(slot / slotsPerItem)

export function createLiveness(deps: LivenessDeps, groupId: string): Liveness {
  const keys = deps.scope.consumerGroup(groupId)
  /** What the table is known to hold. */
  const noted = new Map<number, number>()
  const heard = new Map<number, number>()

  const isDue = (member: StoredMember) => {
    const known = Math.max(member.seenAtMs, noted.get(member.slot) ?? 0)
    return deps.clock.now() - known >= member.sessionTimeoutMs * noteShare
  }

  const writeBlock = async (block: number) => {
    const news = [...heard].filter(([slot, ms]) => blockOf(slot) === block && ms > (noted.get(slot) ?? 0))
    const actions = news.map(
      ([slot, ms]) => ({ kind: 'set', attribute: attributeOf(slot), value: ms }) as const,
    )
    await retryRepeatable(deps, () => deps.table.write({ kind: 'update', key: keys.alive(block), actions }))
    for (const [slot, ms] of news) noted.set(slot, Math.max(ms, noted.get(slot) ?? 0))
  }

  return {
    lastSeen: (slot) => {
      const seen = Math.max(heard.get(slot) ?? 0, noted.get(slot) ?? 0)
      return seen === 0 ? undefined : seen
    },
    async read() {
      const query = { pk: keys.state.pk, prefix: alivePrefix, limit: blocksMax }
      const { items } = await retryRepeatable(deps, () => deps.table.query(query))
      for (const [attribute, value] of items.flatMap(({ attributes }) => Object.entries(attributes))) {
        if (typeof value === 'number') noted.set(Number(attribute.slice(1)), value)
      }
    },
    async note(members) {
      const now = deps.clock.now()
      for (const { slot } of members) heard.set(slot, now)
      const blocks = new Set(members.filter(isDue).map(({ slot }) => blockOf(slot)))
      await Promise.all([...blocks].map(writeBlock))
    },
  }
}
