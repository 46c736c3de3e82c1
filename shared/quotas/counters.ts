// What many processes use together, one table item an entity (usedQuotaItem.ts). Each adds up its own and tells it in
// the background, in at most one write a second and in none while it has next to nothing to tell; the answer says what
// the others have told. Totals only grow, and each process keeps a bucket that it takes the growth out of. A write is
// for the item that the process knows: it is refused, and told a second later, where that was deleted or is another.

import { createLimiter } from '../base/concurrency.ts'
import { StorageError } from '../base/errors.ts'
import { createRecent } from '../base/recent.ts'
import type { Scope } from '../metadata/scope.ts'
import type { Attributes, Condition, ItemKey, Table, Write } from '../ports/table.ts'
import type { Clock } from '../ports/world.ts'
import { fullBucket, refill, type TokenBucket } from './tokenBucket.ts'
import { bucketAttribute, bucketIn, type QuotaKind, totalIn } from './usedQuotaItem.ts'

export interface CountersDeps {
  readonly table: Table
  readonly clock: Clock
  readonly scope: Pick<Scope, 'usedQuota'>
  readonly reportBackgroundFailure: (error: unknown) => void
}

export interface Counter {
  /** What is left, as all processes knew some time ago and this one knows now. `limit`: tokens a second. */
  tokens(kind: QuotaKind, limit: number): number
  take(kind: QuotaKind, amount: number, limit: number): void
  /** What others told is a second old at most then. */
  refresh(kind: QuotaKind, limit: number): Promise<void>
}

/** By the entity's name. `isOfMany`: of those whose number nobody bounds, because clients name themselves. */
export type Counters = (name: string, isOfMany: boolean) => Counter

/** One that is dropped while it is in use forgets a second of it at most. */
const countersMax = 10_000

export function createCounters(deps: CountersDeps): Counters {
  const few = createRecent(countersMax, (name) => createCounter(deps, name, () => true))
  const mayBegin = createHourlyBound(deps.clock, itemsAnHour)
  const many = createRecent(countersMax, (name) => createCounter(deps, name, mayBegin))
  return (name, isOfMany) => (isOfMany ? many : few)(name)
}

/** Made by one process of one tenant; further entities of many are held to their quota by each process alone. */
const itemsAnHour = 1000
const hourMs = 3_600_000

function createHourlyBound(clock: Clock, max: number): () => boolean {
  let hour = 0
  let count = 0
  return () => {
    const now = Math.floor(clock.now() / hourMs)
    if (now !== hour) count = 0
    hour = now
    return ++count <= max
  }
}

const tellEveryMs = 1000

/** Whoever has heard nothing for longer reads first: what others used all the while was filled up again too. */
const heardMaxAgeMs = 2 * tellEveryMs

/** A share of a second's tokens that is worth a write. Below it a hundred processes are a window off by a tenth. */
const shareWorthTelling = 0.01

interface Usage {
  limit: number
  /** undefined: nobody has told anything yet. */
  bucket: TokenBucket | undefined
  total: number
  untold: number
  sending: number
}

function createCounter(deps: CountersDeps, name: string, mayBegin: () => boolean): Counter {
  const { table, clock } = deps
  const key = deps.scope.usedQuota(name)
  const usages = new Map<QuotaKind, Usage>()
  /** One after the other, so that what is heard later is never older. */
  const inOrder = createLimiter(1)
  /** Of the item as it was last heard; undefined: there was none. */
  let born: number | undefined
  let heardMs = Number.NEGATIVE_INFINITY

  const hear = (attributes: Attributes, of: Usages, how: typeof adopt) => {
    heardMs = clock.now()
    const heard = attributes.born === undefined ? undefined : Number(attributes.born)
    // All that is in another item is new, and nothing of the one before was owed any more.
    if (heard !== born) for (const usage of usages.values()) usage.total = 0
    born = heard
    for (const [kind, usage] of of) how(usage, kind, attributes, heardMs)
  }
  const read = async () => hear((await table.get(key))?.attributes ?? {}, usages, adopt)
  const isUnheard = () =>
    clock.now() - heardMs >= heardMaxAgeMs || [...usages.values()].some(({ bucket }) => bucket === undefined)

  const send = async (): Promise<Sent> => {
    if (born === undefined && !mayBegin()) return { isTold: true, attributes: totalsOf(usages) }
    const write = telling(key, born, usages, clock.now())
    const outcome = await table.write(write)
    if (!outcome.ok) return { isTold: false, attributes: outcome.current?.attributes ?? {} }
    return { isTold: true, attributes: write.kind === 'put' ? write.attributes : outcome.updated }
  }
  const tell = async () => {
    while (isUnheard()) await read()
    // What is used of another kind meanwhile is not in the answer.
    const told = new Map(usages)
    await sendUntold(usages, send, ({ isTold, attributes }) =>
      hear(attributes, told, isTold ? takeGrowth : adopt),
    )
  }
  const tellSoon = createTelling(deps, usages, () => inOrder(tell))

  return {
    tokens(kind, limit) {
      const { bucket, untold, sending } = usageIn(usages, kind, limit)
      const nowMs = clock.now()
      return refill(bucket ?? fullBucket(limit, nowMs), limit, nowMs).tokens - untold - sending
    },
    take(kind, amount, limit) {
      usageIn(usages, kind, limit).untold += amount
      tellSoon()
    },
    refresh: (kind, limit) =>
      inOrder(async () => {
        const { bucket } = usageIn(usages, kind, limit)
        if (bucket === undefined || clock.now() - heardMs >= tellEveryMs) await read()
      }),
  }
}

type Usages = ReadonlyMap<QuotaKind, Usage>

function usageIn(usages: Map<QuotaKind, Usage>, kind: QuotaKind, limit: number): Usage {
  const usage = usages.get(kind) ?? { limit, bucket: undefined, total: 0, untold: 0, sending: 0 }
  usages.set(kind, usage)
  usage.limit = limit
  return usage
}

/** At once where nothing was told for a second, and then every second until there is nothing worth telling. */
function createTelling(deps: CountersDeps, usages: Usages, tell: () => Promise<void>): () => void {
  let isTelling = false
  const isWorthTelling = () =>
    [...usages.values()].some(({ untold, limit }) => untold > 0 && untold >= limit * shareWorthTelling)
  const tellOnAndOn = async () => {
    isTelling = true
    for (let isTold = true; isTold && isWorthTelling(); ) {
      isTold = await tell().then(
        () => true,
        // The next one who takes something tries again.
        (error) => {
          deps.reportBackgroundFailure(error)
          return false
        },
      )
      await deps.clock.sleep(tellEveryMs)
    }
    isTelling = false
  }
  return () => {
    if (!isTelling && isWorthTelling()) void tellOnAndOn()
  }
}

interface Sent {
  readonly isTold: boolean
  /** Of the item, as it is now. */
  readonly attributes: Attributes
}

async function sendUntold(
  usages: Usages,
  send: () => Promise<Sent>,
  hear: (sent: Sent) => void,
): Promise<void> {
  for (const usage of usages.values()) {
    usage.sending = usage.untold
    usage.untold = 0
  }
  let wasTold = false
  try {
    const sent = await send()
    wasTold = sent.isTold
    hear(sent)
  } catch (error) {
    // What may have been told is not told twice.
    wasTold ||= error instanceof StorageError && error.effect === 'unknown'
    throw error
  } finally {
    for (const usage of usages.values()) {
      if (!wasTold) usage.untold += usage.sending
      usage.sending = 0
    }
  }
}

const totalsOf = (usages: Usages): Attributes =>
  Object.fromEntries(Array.from(usages, ([kind, { total, sending }]) => [kind, total + sending]))

/** A total this large begins again; what one process tells in that moment may be lost. */
const totalMax = 2 ** 52

const isThis = (born: number | undefined): Condition =>
  born === undefined
    ? { kind: 'absent', attribute: 'born' }
    : { kind: 'equals', attribute: 'born', value: born }

/** Makes the item where there is none, and adds to it otherwise. */
function telling(
  key: ItemKey,
  born: number | undefined,
  usages: Usages,
  nowMs: number,
): Exclude<Write, { kind: 'delete' }> {
  const isTooLarge = [...usages.values()].some(({ total }) => total >= totalMax)
  const kept = isTooLarge ? undefined : born
  const sent = Array.from(usages, ([kind, { sending }]) => [kind, sending] as const)
  const buckets = Array.from(usages, ([kind, { limit, bucket, total, sending }]) => {
    const { tokens, atMs } = refill(bucket ?? fullBucket(limit, nowMs), limit, nowMs)
    const known = kept === undefined ? sending : total + sending
    return bucketAttribute(kind, { tokens: tokens - sending, atMs, limit, total: known })
  })
  const set = [...buckets, ['born', kept ?? nowMs] as const, ['at', nowMs] as const]
  const when = [isThis(born)]
  if (kept === undefined) return { kind: 'put', key, attributes: Object.fromEntries([...sent, ...set]), when }
  const actions = [
    ...sent.map(([attribute, value]) => ({ kind: 'add', attribute, value }) as const),
    ...set.map(([attribute, value]) => ({ kind: 'set', attribute, value }) as const),
  ]
  return { kind: 'update', key, actions, when }
}

/** As the last one who wrote saw it; what this process has told is in it. */
function adopt(usage: Usage, kind: QuotaKind, attributes: Attributes, nowMs: number): void {
  const { limit } = usage
  const bucket = bucketIn(attributes, kind) ?? usage.bucket ?? fullBucket(limit, nowMs)
  usage.bucket = refill(bucket, limit, nowMs)
  usage.total = totalIn(attributes, kind)
}

function takeGrowth(usage: Usage, kind: QuotaKind, attributes: Attributes, nowMs: number): void {
  const { limit } = usage
  const total = totalIn(attributes, kind)
  const { tokens, atMs } = refill(usage.bucket ?? fullBucket(limit, nowMs), limit, nowMs)
  usage.bucket = { tokens: tokens - (total - usage.total), atMs }
  usage.total = total
}
