// What many processes use together, one table item an entity. Each adds up its own and tells it in the background, in
// at most one write a second and in none while it has next to nothing to tell; the answer says what the others have
// told. Nothing is read before it is written and nobody is refused: totals only grow, and each process keeps a bucket
// that it takes the growth out of. How full that is stands in the item too, for processes that begin. Attributes (names
// are stored), for each kind:
//
//   <kind>         the total
//   <kind>.tokens  thousandths of a token, as the last one who wrote saw it
//   at             when that was, in ms

import { StorageError } from '../base/errors.ts'
import type { Scope } from '../metadata/scope.ts'
import type { Action, Attributes, Table } from '../ports/table.ts'
import type { Clock } from '../ports/world.ts'
import { fullBucket, refill, type TokenBucket } from './tokenBucket.ts'

export interface CountersDeps {
  readonly table: Table
  readonly clock: Clock
  readonly scope: Pick<Scope, 'usedQuota'>
  readonly reportBackgroundFailure: (error: unknown) => void
}

/** Bytes in, bytes out, milliseconds, partitions made and deleted. */
export const quotaKinds = ['in', 'out', 'ms', 'mutations'] as const
export type QuotaKind = (typeof quotaKinds)[number]

export interface Counter {
  /** What is left, as all processes knew some time ago and this one knows now. `limit`: tokens a second. */
  tokens(kind: QuotaKind, limit: number): number
  take(kind: QuotaKind, amount: number, limit: number): void
  /** What others told is a second old at most then. */
  refresh(kind: QuotaKind, limit: number): Promise<void>
}

/** By the entity's name. */
export type Counters = (name: string) => Counter

/** One that is dropped while it is in use forgets a second of it at most. */
const countersMax = 10_000

export function createCounters(deps: CountersDeps): Counters {
  const known = new Map<string, Counter>()
  return (name) => {
    const counter = known.get(name) ?? createCounter(deps, name)
    known.delete(name)
    known.set(name, counter)
    const [oldest] = known.keys()
    if (known.size > countersMax && oldest !== undefined) known.delete(oldest)
    return counter
  }
}

const tellEveryMs = 1000

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

function createCounter(deps: CountersDeps, name: string): Counter {
  const { table, clock } = deps
  const key = deps.scope.usedQuota(name)
  const usages = new Map<QuotaKind, Usage>()
  let heardMs = Number.NEGATIVE_INFINITY

  const usageOf = (kind: QuotaKind, limit: number): Usage => {
    const usage = usages.get(kind) ?? { limit, bucket: undefined, total: 0, untold: 0, sending: 0 }
    usages.set(kind, usage)
    usage.limit = limit
    return usage
  }
  const hear = (attributes: Attributes, of: Iterable<readonly [QuotaKind, Usage]>) => {
    heardMs = clock.now()
    for (const [kind, usage] of of) hearUsage(usage, kind, attributes, heardMs)
  }
  const read = async () => hear((await table.get(key))?.attributes ?? {}, usages)

  const tellSoon = createTelling(deps, usages, async () => {
    if ([...usages.values()].some(({ bucket }) => bucket === undefined)) await read()
    // What is used of another kind meanwhile is not in the answer.
    const told = [...usages]
    await sendUntold(usages, async () => {
      const outcome = await table.write({ kind: 'update', key, actions: telling(usages, clock.now()) })
      return () => hear(outcome.ok ? outcome.updated : {}, told)
    })
  })

  return {
    tokens(kind, limit) {
      const { bucket, untold, sending } = usageOf(kind, limit)
      const nowMs = clock.now()
      return refill(bucket ?? fullBucket(limit, nowMs), limit, nowMs).tokens - untold - sending
    },
    take(kind, amount, limit) {
      usageOf(kind, limit).untold += amount
      tellSoon()
    },
    async refresh(kind, limit) {
      const { bucket } = usageOf(kind, limit)
      if (bucket === undefined || clock.now() - heardMs >= tellEveryMs) await read()
    },
  }
}

type Usages = ReadonlyMap<QuotaKind, Usage>

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

/** `send` answers what is to be done once it is told. */
async function sendUntold(usages: Usages, send: () => Promise<() => void>): Promise<void> {
  for (const usage of usages.values()) {
    usage.sending = usage.untold
    usage.untold = 0
  }
  let wasTold = false
  try {
    const done = await send()
    wasTold = true
    done()
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

/** A total this large begins again; what one process tells in that moment may be lost. */
const totalMax = 2 ** 52

function telling(usages: Usages, nowMs: number): readonly Action[] {
  const ofKinds = [...usages].flatMap(([kind, { limit, bucket, total, sending }]): readonly Action[] => {
    const { tokens } = refill(bucket ?? fullBucket(limit, nowMs), limit, nowMs)
    return [
      { kind: total < totalMax ? 'add' : 'set', attribute: kind, value: sending },
      { kind: 'set', attribute: `${kind}.tokens`, value: Math.round((tokens - sending) * 1000) },
    ]
  })
  return [...ofKinds, { kind: 'set', attribute: 'at', value: nowMs }]
}

function hearUsage(usage: Usage, kind: QuotaKind, attributes: Attributes, nowMs: number): void {
  const { limit, bucket } = usage
  const total = Number(attributes[kind] ?? 0)
  if (bucket === undefined) {
    const stored = attributes[`${kind}.tokens`]
    const tokens = { tokens: Number(stored) / 1000, atMs: Number(attributes.at) }
    usage.bucket = stored === undefined ? fullBucket(limit, nowMs) : refill(tokens, limit, nowMs)
  } else {
    const { tokens, atMs } = refill(bucket, limit, nowMs)
    const hasBegunAgain = usage.total >= totalMax && total < usage.total
    // Smaller otherwise: a read that was answered late.
    const taken = hasBegunAgain ? total : Math.max(0, total - usage.total)
    usage.bucket = { tokens: tokens - taken, atMs }
    usage.total = hasBegunAgain ? total : Math.max(total, usage.total)
    return
  }
  usage.total = total
}
