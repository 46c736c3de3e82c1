// What the consumers of a group told, added up: which records were processed, and which of them again although somebody
// had committed them.

export interface Place {
  readonly partition: number
  readonly offset: number
}

export interface GroupTally {
  /** All that is to be processed. */
  expect(places: readonly Place[]): void
  processed(partition: number, offset: number): void
  /** Everything before this offset. */
  committed(partition: number, offset: number): void
  missing(): number
  summary(): GroupSummary
}

export interface GroupSummary {
  readonly records: number
  readonly missing: number
  /** By somebody who died before he had committed, and by somebody else after him. */
  readonly twice: number
  readonly twiceAfterCommit: number
  readonly ok: boolean
}

export function createGroupTally(): GroupTally {
  const times = new Map<string, number>()
  const commits = new Map<number, number>()
  let expected: readonly string[] = []
  let twiceAfterCommit = 0

  const keyOf = (partition: number, offset: number): string => `${partition}@${offset}`
  const missing = (): number => expected.filter((key) => !times.has(key)).length

  return {
    missing,
    expect(places) {
      expected = places.map(({ partition, offset }) => keyOf(partition, offset))
    },
    processed(partition, offset) {
      const key = keyOf(partition, offset)
      times.set(key, (times.get(key) ?? 0) + 1)
      if (offset < (commits.get(partition) ?? 0)) twiceAfterCommit++
    },
    committed(partition, offset) {
      commits.set(partition, Math.max(offset, commits.get(partition) ?? 0))
    },
    summary() {
      const twice = [...times.values()].filter((count) => count > 1).length
      const ok = expected.length > 0 && missing() === 0 && twiceAfterCommit === 0
      return { records: expected.length, missing: missing(), twice, twiceAfterCommit, ok }
    },
  }
}

export function describeGroup({ records, missing, twice, twiceAfterCommit }: GroupSummary): string {
  const all = records.toLocaleString('en')
  if (missing > 0) return `${missing} of ${all} records were not processed.`
  if (twiceAfterCommit > 0)
    return `${twiceAfterCommit} of ${all} records were processed again after their commit.`
  const killed = `${twice} of them twice, because a was killed before their commit`
  return `${all} records were processed, ${killed}, and none again after it.`
}
