// The table port in memory, for tests and the simulation. Each call takes effect at once and in whole, and
// counts the capacity units that DynamoDB would bill, a refused write's included.
import { invariant } from '../../base/errors.ts'
import type {
  Item,
  ItemKey,
  Page,
  Query,
  Table,
  TransactOutcome,
  TransactWrite,
  Write,
  WriteOutcome,
} from '../../ports/table.ts'
import { type Applied, decideTransaction, decideWrite } from '../evaluate.ts'
import { checkKey, readUnits, writeUnits } from '../limits.ts'
import { fillPage, lowerBound, type SizedItem, sortKeyRange } from '../query.ts'

export interface Consumed {
  readonly writeUnits: number
  readonly readUnits: number
}

export interface MemoryTable extends Table {
  /** Since the table was created. */
  consumed(): Consumed
}

export const createMemoryTable = (): MemoryTable => {
  const items = createItems()
  const consumed = { writeUnits: 0, readUnits: 0 }

  const get = (key: ItemKey): Item | undefined => {
    checkKey(key)
    const stored = items.find(key)
    consumed.readUnits += readUnits(stored?.bytes ?? 0)
    return stored?.item
  }

  const query = (request: Query): Page => {
    const { page, bytes } = fillPage(items.range(request), request.limit)
    consumed.readUnits += readUnits(bytes)
    return page
  }

  const write = (request: Write): WriteOutcome => {
    const stored = items.find(request.key)
    const decision = decideWrite(stored?.item.attributes, request)
    const bytesAfter = decision.kind === 'apply' ? decision.bytes : 0
    consumed.writeUnits += writeUnits(stored?.bytes ?? 0, bytesAfter)
    if (decision.kind === 'refuse') return { ok: false, current: stored?.item }
    items.apply(decision)
    return { ok: true, updated: decision.updated }
  }

  const transact = (writes: readonly TransactWrite[]): TransactOutcome => {
    const stored = writes.map(({ key }) => items.find(key))
    const decision = decideTransaction(
      writes,
      stored.map((one) => one?.item.attributes),
    )
    const applied = decision.kind === 'apply' ? decision.applied : []
    for (const index of writes.keys()) {
      consumed.writeUnits += 2 * writeUnits(stored[index]?.bytes ?? 0, applied[index]?.bytes ?? 0)
    }
    if (decision.kind === 'refuse') {
      const failed = decision.failed.map((index) => ({ index, current: stored[index]?.item }))
      return { ok: false, failed }
    }
    for (const one of applied) items.apply(one)
    return { ok: true }
  }

  return {
    get: async (key) => get(key),
    query: async (request) => query(request),
    write: async (request) => write(request),
    transact: async (writes) => transact(writes),
    consumed: () => ({ ...consumed }),
  }
}

/** The items of one pk: by sort key, and the sort keys in their order. */
interface Partition {
  readonly items: Map<string, SizedItem>
  readonly sortKeys: string[]
}

const createItems = () => {
  const partitions = new Map<string, Partition>()

  const find = ({ pk, sk }: ItemKey): SizedItem | undefined => partitions.get(pk)?.items.get(sk)

  const apply = ({ key, next, bytes }: Applied): void => {
    if (next === undefined) {
      remove(partitions, key)
      return
    }
    const item: Item = Object.freeze({ key: Object.freeze({ pk: key.pk, sk: key.sk }), attributes: next })
    insert(partitions, { item, bytes })
  }

  const range = function* (query: Query): Generator<SizedItem> {
    const bounds = sortKeyRange(query)
    const partition = partitions.get(query.pk)
    if (bounds === undefined || partition === undefined) return
    const { sortKeys, items } = partition
    const start = lowerBound(sortKeys, bounds.low)
    const end = bounds.high === undefined ? sortKeys.length : lowerBound(sortKeys, bounds.high)
    for (let step = 0; step < end - start; step += 1) {
      const item = items.get(sortKeys[query.descending ? end - 1 - step : start + step] ?? '')
      invariant(item !== undefined, 'every sort key has an item')
      yield item
    }
  }

  return { find, apply, range }
}

const insert = (partitions: Map<string, Partition>, sized: SizedItem): void => {
  const { pk, sk } = sized.item.key
  const partition = partitions.get(pk) ?? { items: new Map(), sortKeys: [] }
  if (!partition.items.has(sk)) partition.sortKeys.splice(lowerBound(partition.sortKeys, sk), 0, sk)
  partition.items.set(sk, sized)
  partitions.set(pk, partition)
}

const remove = (partitions: Map<string, Partition>, { pk, sk }: ItemKey): void => {
  const partition = partitions.get(pk)
  if (partition === undefined || !partition.items.delete(sk)) return
  partition.sortKeys.splice(lowerBound(partition.sortKeys, sk), 1)
  if (partition.sortKeys.length === 0) partitions.delete(pk)
}
