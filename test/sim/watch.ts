// Sees every write as it lands in the table: when topics are born and die, so that checkers know which incarnation of a
// name an operation can have met, and what the engine did, for the counters. It changes nothing.

import { limits } from '../../shared/base/limits.ts'
import type { Scope } from '../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Item, Table, TransactWrite, Write, WriteOutcome } from '../../shared/ports/table.ts'
import { createInspector, type Inspector, type Move } from './compaction/inspector.ts'
import { createLedger, type Ledger } from './compaction/ledger.ts'
import type { Counters } from './counters.ts'
import type { CompactionRules } from './topicRules.ts'
import type { World } from './world.ts'

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
  readonly objects: ObjectStore
  readonly incarnations: readonly Incarnation[]
  readonly ledger: Ledger
  readonly retained: readonly Move[]
}

export interface WatchDeps {
  readonly table: Table
  readonly objects: ObjectStore
  readonly scope: Scope
  readonly counters: Counters
  readonly world: Pick<World, 'order' | 'now'>
  readonly lateMsMax: number
  readonly rulesOf: (topicName: string) => CompactionRules
  readonly report: (violation: string) => void
}

export function createWatch(deps: WatchDeps): Watch {
  const { objects, counters, world } = deps
  const { order, now } = world
  const { incarnations, born, died } = createRegister(order, counters)
  const ledger = createLedger({ ...deps, now })
  const rulesOf = (topicId: string) => {
    const topic = incarnations.find((one) => one.topicId === topicId && isAlive(one))
    return topic && deps.rulesOf(topic.topicName)
  }
  const inspector = createInspector({ ...deps, ledger, now, order, rulesOf })

  return {
    incarnations,
    ledger,
    retained: inspector.retained,
    objects: {
      ...objects,
      delete(names) {
        inspector.beforeDelete(names)
        return objects.delete(names)
      },
    },
    table: watchedTable({ ...deps, ledger, inspector, born, died }),
  }
}

interface TableWatch extends WatchDeps, Pick<Register, 'born' | 'died'> {
  readonly ledger: Ledger
  readonly inspector: Inspector
}

function watchedTable({ table, scope, counters, ledger, inspector, born, died }: TableWatch): Table {
  const topicPut = (write: TransactWrite) => {
    if (write.kind !== 'put' || write.key.pk !== scope.topicsPk) return
    born(String(write.attributes.name), String(write.attributes.id))
  }

  const sequencersOf = async (writes: readonly TransactWrite[]): Promise<readonly Item[]> => {
    const found: Item[] = []
    for (const { kind, key } of writes) {
      const item = kind === 'delete' && key.sk === 'sequencer' ? await table.get(key) : undefined
      if (item) found.push(item)
    }
    return found
  }

  return {
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
      await inspector.beforeWrite(write)
      const outcome = await table.write(write)
      await ledger.noteWrite(write, outcome)
      countWrite(counters, write, outcome)
      if (outcome.ok) topicPut(write)
      return outcome
    },
    async transact(writes) {
      const sequencers = await sequencersOf(writes)
      const outcome = await inspector.transact(writes, () => table.transact(writes))
      if (!outcome.ok) return outcome
      for (const { kind, key } of writes) {
        if (kind === 'delete' && key.pk === scope.topicsPk) died(key.sk, sequencers)
      }
      writes.forEach(topicPut)
      if (writes.some(({ key }) => key.sk.startsWith('producer/'))) counters.count('eviction')
      return outcome
    },
  }
}

type Register = ReturnType<typeof createRegister>

export const isAlive = ({ diedAt }: Incarnation): boolean => diedAt === Number.POSITIVE_INFINITY

/** Who lives, and who lived when. */
function createRegister(order: () => number, counters: Counters) {
  const incarnations: Incarnation[] = []
  return {
    incarnations,
    born(topicName: string, topicId: string) {
      if (incarnations.some((one) => one.topicId === topicId && isAlive(one))) return
      const diedAt = Number.POSITIVE_INFINITY
      incarnations.push({ topicName, topicId, bornAt: order(), diedAt, sequencers: [] })
      counters.count('topicCreated')
    },
    died(sortKey: string, sequencers: readonly Item[]) {
      const one = incarnations.find(
        (alive) => isAlive(alive) && alive.topicName.replaceAll('.', '_') === sortKey,
      )
      if (!one) return
      one.diedAt = order()
      one.sequencers = sequencers
      counters.count('topicDeleted')
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
