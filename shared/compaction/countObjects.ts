// How many objects there are, by level: flushes, which many partitions share, and segments, each of one
// partition. Counted by listing the bucket, which is why nobody asks for it more often than the collector
// lists anyway.

import { retryRepeatable } from '../ports/retry.ts'
import { type CompactionDeps, isOver } from './deps.ts'

export interface ObjectCount {
  readonly objects: number
  readonly bytes: number
}

export interface ObjectCounts {
  readonly flushes: ObjectCount
  readonly segments: ObjectCount
  /** When they were counted, in milliseconds. */
  readonly atMs: number
}

const objectsPerPage = 1000

/** undefined: there was not the time for it. */
export async function countObjects(
  deps: CompactionDeps,
  deadlineMs: number,
): Promise<ObjectCounts | undefined> {
  const flushes = await countBelow(deps, deps.scope.logObjects, deadlineMs)
  const segments = await countBelow(deps, deps.scope.segmentObjects, deadlineMs)
  return flushes && segments && { flushes, segments, atMs: deps.clock.now() }
}

async function countBelow(
  deps: CompactionDeps,
  prefix: string,
  deadlineMs: number,
): Promise<ObjectCount | undefined> {
  let objects = 0
  let bytes = 0
  for (let after: string | undefined; ; ) {
    if (isOver(deps, deadlineMs)) return undefined
    const page = { limit: objectsPerPage, ...(after === undefined ? {} : { after }) }
    const { objects: found, next } = await retryRepeatable(deps, () => deps.objects.list(prefix, page))
    objects += found.length
    for (const { size } of found) bytes += size
    if (next === undefined) return { objects, bytes }
    after = next
  }
}
