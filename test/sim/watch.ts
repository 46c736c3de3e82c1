// Sees every write as it lands in the table: when topics are born and die, so that checkers know which incarnation of a
// name an operation can have met, and what the engine did, for the counters. It changes nothing.

import { limits } from '../../shared/base/limits.ts'
import type { Scope } from '../../shared/metadata/scope.ts'
import type { Item, Table, TransactWrite, Write, WriteOutcome } from '../../shared/ports/table.ts'
import type { Counters } from './counters.ts'

/** A topic from its creation to its deletion; a name may have several, one after the other. */
export interface Incarnation {
  readonly topicName: string
  readonly topicId: string
  /** In the order of the world. */
  readonly bornAt: number
  /** Infinity: it lives. */
  diedAt: number
  /** Its sequencers as its deletion found them. */
  sequencers: readonly Item[]
}

export interface Watch {
  readonly table: Table
  readonly incarnations: readonly Incarnation[]
}

export function createWatch(table: Table, scope: Scope, order: () => number, counters: Counters): Watch {
  const incarnations: Incarnation[] = []

  const topicPut = (write: TransactWrite) => {
    if (write.kind !== 'put' || write.key.pk !== scope.topicsPk) return
    const { name, id } = write.attributes
    const known = incarnations.some(
      ({ topicId, diedAt }) => topicId === id && diedAt === Number.POSITIVE_INFINITY,
    )
    if (known) return
    incarnations.push({
      topicName: String(name),
      topicId: String(id),
      bornAt: order(),
      diedAt: Number.POSITIVE_INFINITY,
      sequencers: [],
    })
    counters.count('topicCreated')
  }

  const died = (sk: string, sequencers: readonly Item[]) => {
    const alive = incarnations.find(
      ({ topicName, diedAt }) => topicName.replaceAll('.', '_') === sk && diedAt === Number.POSITIVE_INFINITY,
    )
    if (!alive) return
    alive.diedAt = order()
    alive.sequencers = sequencers
    counters.count('topicDeleted')
  }

  return {
    incarnations,
    table: {
      get: async (key) => {
        const item = await table.get(key)
        if (item && key.sk.startsWith('producer/')) counters.count('evictedLookedUp')
        return item
      },
      query: (query) => {
        counters.count('indexRead')
        return table.query(query)
      },
      async write(write) {
        const outcome = await table.write(write)
        countWrite(counters, write, outcome)
        if (outcome.ok) topicPut(write)
        return outcome
      },
      async transact(writes) {
        const gone = writes.filter((write) => write.kind === 'delete')
        const sequencers: Item[] = []
        for (const { key } of gone) {
          const item = key.sk === 'sequencer' ? await table.get(key) : undefined
          if (item) sequencers.push(item)
        }
        const outcome = await table.transact(writes)
        if (!outcome.ok) return outcome
        for (const { key } of gone) if (key.pk === scope.topicsPk) died(key.sk, sequencers)
        writes.forEach(topicPut)
        if (writes.some(({ key }) => key.sk.startsWith('producer/'))) counters.count('eviction')
        return outcome
      },
    },
  }
}

function countWrite(counters: Counters, write: Write, outcome: WriteOutcome): void {
  if (write.kind !== 'update' || write.key.sk !== 'sequencer') return
  const kinds = write.actions.map(({ kind }) => kind)
  if (outcome.ok && kinds.includes('append')) counters.count('commit')
  if (outcome.ok && kinds.includes('removeFirst')) counters.count('spill')
  if (outcome.ok) return
  const tail = outcome.current?.attributes.tail
  if (kinds.includes('append') && Array.isArray(tail) && tail.length >= limits.tailLengthMax) {
    counters.count('tailFull')
  }
}
