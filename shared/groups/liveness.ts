// When the members of one group were last heard of. A heartbeat that changes nothing is only remembered; it is written
// down when what is written is older than a third of the member's session, and then together with whatever else this
// process has heard: one write for up to 128 members. So another process that finds nothing newer than a session knows
// that nobody has heard of the member.
//
// Item alive/<slots>: attribute s<slot> = when the last heartbeat came that is noted, in milliseconds.

import { KafkaError } from '../base/errors.ts'
import type { StoredMember } from '../metadata/groupState.ts'
import { alivePrefix, type Scope } from '../metadata/scope.ts'
import { backoffMs, type RetryDeps, retryRepeatable } from '../ports/retry.ts'
import type { Action, Condition, Item, Table } from '../ports/table.ts'

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

/** Among 128 conditions these are the long ones: together they fit the 4 KB of DynamoDB's expressions. */
const unknownSlotsMax = 64
const refusalsMax = 10

/** A slot, and when its member was heard of. */
type News = readonly [number, number]

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

  const forget = (block: number) => {
    for (const slot of [...noted.keys()]) if (blockOf(slot) === block) noted.delete(slot)
  }

  /** A process that has heard less must not undo what another one noted, nor a write that lands late. */
  const writeBlock = async (block: number) => {
    for (let refusals = 0; refusals < refusalsMax; ) {
      const news = newsOf(block, heard, noted)
      if (news.length === 0) return
      const write = { kind: 'update', key: keys.alive(block), ...planNote(news, noted) } as const
      const outcome = await retryRepeatable(deps, () => deps.table.write(write))
      if (outcome.ok) {
        for (const [slot, ms] of news) noted.set(slot, ms)
        continue
      }
      refusals++
      forget(block)
      if (outcome.current) learn(noted, outcome.current)
      if (refusals > 1) await deps.clock.sleep(backoffMs(refusals, deps.random))
    }
    const message = 'Many processes note heartbeats of the group at once. Try again.'
    throw new KafkaError('KAFKA_STORAGE_ERROR', message)
  }

  return {
    lastSeen: (slot) => {
      const seen = Math.max(heard.get(slot) ?? 0, noted.get(slot) ?? 0)
      return seen === 0 ? undefined : seen
    },
    async read() {
      const query = { pk: keys.state.pk, prefix: alivePrefix, limit: blocksMax }
      const { items } = await retryRepeatable(deps, () => deps.table.query(query))
      for (const item of items) learn(noted, item)
    },
    async note(members) {
      const now = deps.clock.now()
      for (const { slot } of members) heard.set(slot, now)
      const blocks = new Set(members.filter(isDue).map(({ slot }) => blockOf(slot)))
      await Promise.all([...blocks].map(writeBlock))
    },
  }
}

function newsOf(
  block: number,
  heard: ReadonlyMap<number, number>,
  noted: ReadonlyMap<number, number>,
): readonly News[] {
  const news = [...heard].filter(([slot, ms]) => blockOf(slot) === block && ms > (noted.get(slot) ?? 0))
  const known = news.filter(([slot]) => noted.has(slot))
  const unknown = news.filter(([slot]) => !noted.has(slot))
  return [...known, ...unknown.slice(0, unknownSlotsMax)]
}

function planNote(
  news: readonly News[],
  noted: ReadonlyMap<number, number>,
): { readonly actions: readonly Action[]; readonly when: readonly Condition[] } {
  return {
    actions: news.map(([slot, value]) => ({ kind: 'set', attribute: attributeOf(slot), value })),
    when: news.map(([slot, value]) =>
      noted.has(slot)
        ? { kind: 'below', attribute: attributeOf(slot), value }
        : { kind: 'absent', attribute: attributeOf(slot) },
    ),
  }
}

function learn(noted: Map<number, number>, { attributes }: Item): void {
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === 'number') noted.set(Number(attribute.slice(1)), value)
  }
}
