// What was acknowledged, and whether the log keeps it: every acknowledged record at its offset, offsets dense, no value
// twice, and every value of an idempotent producer once it has sent it again.

export interface ReadRecord {
  readonly offset: number
  readonly value: string
}

export interface Ledger {
  acknowledge(partition: number, baseOffset: number, values: readonly string[]): void
  /** An idempotent producer will not rest before these are stored. */
  expect(partition: number, values: readonly string[]): void
  problem(text: string): void
  /**
   * Records of a partition, in the order in which they were read from offset 0 on. `final`: idempotent producers have
   * sent again what was under way, so it must be there.
   */
  check(partition: number, records: readonly ReadRecord[], final: boolean): void
  readonly acknowledged: number
  readonly problems: readonly string[]
}

export function createLedger(): Ledger {
  const byOffset = new Map<string, string>()
  const expected = new Map<number, Set<string>>()
  const problems: string[] = []

  return {
    acknowledge(partition, baseOffset, values) {
      for (const [i, value] of values.entries()) {
        const place = `${partition}/${baseOffset + i}`
        const other = byOffset.get(place)
        if (other !== undefined && other !== value) {
          problems.push(`offset ${place} was given to ${short(other)} and to ${short(value)}`)
        }
        byOffset.set(place, value)
      }
    },
    expect(partition, values) {
      const mine = expected.get(partition) ?? new Set()
      for (const value of values) mine.add(value)
      expected.set(partition, mine)
    },
    problem: (text) => {
      problems.push(text)
    },
    check(partition, records, final) {
      problems.push(...problemsOfLog(partition, records))
      for (const [place, value] of byOffset) {
        const [mine, offset] = place.split('/').map(Number)
        const found = records[offset ?? -1]?.value
        if (mine !== partition || found === value) continue
        problems.push(`${place}: ${short(value)} was acknowledged, ${short(found)} is there`)
      }
      const seen = new Set(records.map(({ value }) => value))
      for (const value of final ? (expected.get(partition) ?? []) : []) {
        if (!seen.has(value))
          problems.push(`partition ${partition}: ${short(value)} was sent again and is not there`)
      }
    },
    get acknowledged() {
      return byOffset.size
    },
    problems,
  }
}

/** The name of a value, without what fills it up. */
const short = (value: string | undefined): string => value?.slice(0, value.indexOf(':')) ?? 'nothing'

/** Holes, and values that are there twice. */
function problemsOfLog(partition: number, records: readonly ReadRecord[]): readonly string[] {
  const seen = new Set<string>()
  return records.flatMap(({ offset, value }, i) => {
    const problems: string[] = []
    if (offset !== i) problems.push(`partition ${partition}: offset ${offset} comes where ${i} should`)
    if (seen.has(value)) problems.push(`partition ${partition}: ${short(value)} is stored twice`)
    seen.add(value)
    return problems
  })
}
