// What a tenant used, counted in memory and stored now and then: nobody waits for it. A process has items of its own,
// which it writes whole, so that a write whose answer was lost is written again and nothing is counted twice. A process
// that is killed takes with it what it counted since the last write, ten seconds at most.

import { base32 } from '../base/bytes.ts'
import type { Scope } from '../metadata/scope.ts'
import {
  hourAt,
  type UsageMetric,
  type UsageRow,
  usageAttributes,
  usageMetrics,
  valuesOf,
} from '../metadata/usageItem.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'

export interface MeterDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Pick<Scope, 'usage'>
  readonly reportBackgroundFailure: (error: unknown) => void
  /** With the first write of an hour. */
  readonly tidy: () => Promise<void>
}

export type Used = Partial<Readonly<Record<UsageMetric, number>>>

export interface Meter {
  add(topic: string, principal: string, used: Used): void
  /** Stores what is due: for a process that may be frozen after any request. */
  storeDue(): Promise<void>
  /** Stores everything: for a process that ends. */
  store(): Promise<void>
}

const storeEveryMs = 10_000
const rowsPerPart = 500

interface Part {
  readonly hour: string
  readonly number: number
  readonly rows: Map<string, { readonly topic: string; readonly principal: string; readonly values: Counts }>
  seq: number
  isStored: boolean
  isChanged: boolean
}
type Counts = Record<UsageMetric, number>

export function createMeter(deps: MeterDeps): Meter {
  const { clock } = deps
  const processId = base32(deps.random.bytes(10)).toLowerCase()
  let parts: Part[] = []
  let storedMs = Number.NEGATIVE_INFINITY
  let isWaiting = false
  let storing: Promise<void> = Promise.resolve()
  let tidiedHour: string | undefined

  const storeAll = async () => {
    storedMs = clock.now()
    for (const part of parts.filter(({ isChanged }) => isChanged)) await storePart(deps, processId, part)
    const hour = hourAt(clock.now())
    parts = parts.filter((part) => part.isChanged || part.hour === hour)
    if (tidiedHour === hour) return
    tidiedHour = hour
    await deps.tidy()
  }
  /** One after the other. */
  const store = () => {
    const now = storing.then(storeAll)
    storing = now.catch(() => undefined)
    return now
  }
  const storeSoon = async () => {
    isWaiting = true
    await clock.sleep(storeEveryMs)
    isWaiting = false
    await store()
    if (parts.some(({ isChanged }) => isChanged) && !isWaiting) await storeSoon()
  }

  return {
    add(topic, principal, used) {
      const values = rowOf(parts, hourAt(clock.now()), topic, principal)
      for (const name of usageMetrics) values[name] += used[name] ?? 0
      if (!isWaiting) storeSoon().catch(deps.reportBackgroundFailure)
    },
    async storeDue() {
      if (clock.now() - storedMs >= storeEveryMs && parts.some(({ isChanged }) => isChanged)) await store()
    },
    store,
  }
}

function rowOf(parts: Part[], hour: string, topic: string, principal: string): Counts {
  const name = `${topic}\n${principal}`
  const ofHour = parts.filter((part) => part.hour === hour)
  const known = ofHour.find(({ rows }) => rows.has(name))
  const last = ofHour.at(-1)
  const part = known ?? (last !== undefined && last.rows.size < rowsPerPart ? last : newPart(parts, hour))
  part.isChanged = true
  const row = part.rows.get(name) ?? { topic, principal, values: valuesOf(() => 0) }
  part.rows.set(name, row)
  return row.values
}

function newPart(parts: Part[], hour: string): Part {
  const number = parts.filter((part) => part.hour === hour).length
  const part = { hour, number, rows: new Map(), seq: 0, isStored: false, isChanged: true }
  parts.push(part)
  return part
}

async function storePart(deps: MeterDeps, processId: string, part: Part): Promise<void> {
  part.seq++
  part.isChanged = false
  const rows: readonly UsageRow[] = [...part.rows.values()]
  const newer = { kind: 'below', attribute: 'seq', value: part.seq } as const
  const put = {
    kind: 'put',
    key: deps.scope.usage(part.hour, processId, part.number),
    attributes: usageAttributes(rows, part.seq),
    when: [part.isStored ? newer : ({ kind: 'itemAbsent' } as const)],
  } as const
  try {
    const outcome = await retryRepeatable(deps, () => deps.table.write(put))
    // Refused, it was stored by an attempt before whose answer was lost: perhaps an older one.
    if (!outcome.ok && !part.isStored) part.isChanged = true
    part.isStored = true
  } catch (error) {
    part.isChanged = true
    throw error
  }
}
