// The bytes of extents, in their order and a little ahead of what is worked on, and the sound batches in them. What is
// large is read by itself and its memory given back as soon as it has been worked on. What is small comes through the
// cache: a flush is shared by partitions that have their turns soon after each other.

import { KafkaError } from '../base/errors.ts'
import { discard } from '../base/memory.ts'
import { batchCrcIsValid } from '../kafka/recordBatchLayout.ts'
import { missing, objectName } from '../log/blocks.ts'
import { batchesOf } from '../log/readBatches.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { CompactionDeps } from './deps.ts'

const largeBytes = 512 * 1024
const runBytesMax = 4 * 1024 * 1024
const aheadBytesMax = 8 * 1024 * 1024
const aheadMax = 8

/** The bytes are there until the next ones are asked for. */
export async function* readAhead(
  deps: CompactionDeps,
  extents: readonly PlacedExtent[],
): AsyncGenerator<{ readonly extent: PlacedExtent; readonly bytes: Uint8Array }> {
  const runs = runsOf(extents)
  const reading: Promise<Uint8Array>[] = []
  for (const [i, run] of runs.entries()) {
    for (const next of runs.slice(i + reading.length, i + ahead(runs, i))) {
      const bytes = readRun(deps, next)
      // Awaited in its turn; until then its failure must not count as unhandled.
      bytes.catch(() => undefined)
      reading.push(bytes)
    }
    const bytes = await reading.shift()
    if (!bytes) continue
    for (const extent of run.extents) {
      deps.report.counters.bytesRead += extent.length
      const start = extent.position - run.position
      yield { extent, bytes: bytes.subarray(start, start + extent.length) }
    }
    if (run.length >= largeBytes) discard(bytes)
  }
}

/** Extents that lie side by side in one object. */
interface Run {
  readonly extents: PlacedExtent[]
  readonly position: number
  length: number
}

function runsOf(extents: readonly PlacedExtent[]): readonly Run[] {
  const runs: Run[] = []
  for (const extent of extents) {
    const run = runs.at(-1)
    const before = run?.extents.at(-1)
    const goesOn =
      before?.storage === extent.storage &&
      before.objectId === extent.objectId &&
      before.position + before.length === extent.position
    if (run && goesOn && run.length + extent.length <= runBytesMax) {
      run.extents.push(extent)
      run.length += extent.length
    } else runs.push({ extents: [extent], position: extent.position, length: extent.length })
  }
  return runs
}

/** How many from `at` on are read at once: a few of the large ones, more of the small ones; at least one. */
function ahead(runs: readonly Run[], at: number): number {
  let bytes = 0
  for (let count = 1; count < aheadMax; count++) {
    bytes += runs[at + count]?.length ?? 0
    if (bytes > aheadBytesMax) return count
  }
  return aheadMax
}

async function readRun(deps: CompactionDeps, run: Run): Promise<Uint8Array> {
  const [first] = run.extents
  if (!first) return new Uint8Array(0)
  if (first.storage === 'inline' || run.length < largeBytes) {
    return deps.blocks.read({ ...first, length: run.length }, 'catchUp')
  }
  const name = objectName(deps.scope, first)
  const bytes = await retryRepeatable(deps, () => deps.objects.getRange(name, run.position, run.length))
  if (bytes?.length === run.length) return bytes
  throw missing({ ...first, length: run.length })
}

/** The batches of an extent; a damaged one is refused, with its place. */
export function* soundBatchesOf(extent: PlacedExtent, bytes: Uint8Array): ReturnType<typeof batchesOf> {
  for (const placed of batchesOf(extent, bytes)) {
    const { batch, baseOffset } = placed
    if (!batchCrcIsValid(batch)) {
      const position = extent.position + batch.byteOffset - bytes.byteOffset
      const place = `object ${extent.objectId}, position ${position}, offset ${baseOffset.first}`
      throw new KafkaError(
        'KAFKA_STORAGE_ERROR',
        `The stored batch at ${place} is damaged: its CRC does not match.`,
      )
    }
    yield placed
  }
}

/** For bytes that are known to be wrong somewhere. */
export function refuseDamage(extent: PlacedExtent, bytes: Uint8Array): void {
  for (const _ of soundBatchesOf(extent, bytes));
}
