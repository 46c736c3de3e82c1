// The compactor of one tenant's cluster, on the ports: what the scheduled function, the local server's timer, the
// operator's commands and the simulation all run.

import { type Collected, type CollectOptions, collect } from '../compaction/collect.ts'
import {
  type CompactionDeps,
  type CompactionReport,
  type CompactionSettings,
  newCompactionReport,
} from '../compaction/deps.ts'
import { type PassOptions, type PassOutcome, runPass } from '../compaction/runPass.ts'
import { createBlocks } from '../log/blocks.ts'
import type { LogDeps } from '../log/deps.ts'
import { createCatalog } from '../topics/catalog.ts'

export interface Compactor {
  /** Merges, compacts by key and retains what is due. */
  run(options: PassOptions): Promise<PassOutcome>
  /** Deletes what nothing names any more. */
  collect(options: CollectOptions): Promise<Collected>
  readonly report: CompactionReport
}

const mebibyte = 1024 * 1024

export const defaultCompactionSettings: CompactionSettings = {
  segmentBytesMax: 64 * mebibyte,
  reconcileAgeMs: 10 * 60_000,
  offsetMapEntriesMax: 2_000_000,
  leaseMs: 60_000,
  partitionsAtOnce: 2,
}

/** Small: a merge reads each byte once, and neighbours in an object are read close together. */
const blockSettings = {
  cacheBytesMax: 32 * mebibyte,
  blockBytes: 4 * mebibyte,
  tailReadsMax: 8,
  catchUpReadsMax: 8,
}

export function createCompactor(
  deps: LogDeps & Pick<CompactionDeps, 'stopping'>,
  settings: CompactionSettings,
): Compactor {
  const report = newCompactionReport()
  const owner = Buffer.from(deps.random.bytes(12)).toString('hex')
  const compaction = { ...deps, blocks: createBlocks(deps, blockSettings), settings, owner, report }
  const catalog = createCatalog(deps)
  return {
    run: (options) => runPass(compaction, catalog, options),
    collect: (options) => collect(compaction, options),
    report,
  }
}
