// Ends of logs as this process saw them last. A log only grows, so that what is remembered is never too high, however
// old it is.

export interface LogEnds {
  note(topicId: string, partition: number, end: number): void
  /** The log reaches at least this far. */
  atLeast(topicId: string, partition: number): number
}

const partitionsRemembered = 100_000

export function createLogEnds(): LogEnds {
  const ends = new Map<string, number>()
  const keyOf = (topicId: string, partition: number): string => `${topicId}/${partition}`
  const atLeast = (topicId: string, partition: number): number => ends.get(keyOf(topicId, partition)) ?? 0
  return {
    atLeast,
    note(topicId, partition, end) {
      const key = keyOf(topicId, partition)
      const later = Math.max(end, atLeast(topicId, partition))
      // The one that was noted longest ago is forgotten first.
      ends.delete(key)
      ends.set(key, later)
      if (ends.size <= partitionsRemembered) return
      const [oldest] = ends.keys()
      if (oldest !== undefined) ends.delete(oldest)
    },
  }
}
