// Bytes of stored objects, in aligned blocks: a cache that needs no invalidation, because objects are immutable, and
// one GET for all who want the same block at once. Blocks that lie side by side are fetched by one GET.

import { createLimiter, type Limiter } from '../base/concurrency.ts'
import { KafkaError } from '../base/errors.ts'
import type { Extent } from '../metadata/extent.ts'
import type { Scope } from '../metadata/scope.ts'
import { retryRepeatable } from '../ports/retry.ts'
import { type BlockCache, createBlockCaches } from './blockCache.ts'
import type { LogDeps } from './deps.ts'

export interface BlockSettings {
  readonly cacheBytesMax: number
  readonly blockBytes: number
  /** What one GET brings of a segment whose block before is there already: who reads on pays for fewer requests. */
  readonly readAheadBytes: number
  /** GETs at once for extents named by a tail, and for older ones: catching up must not starve those who follow. */
  readonly tailReadsMax: number
  readonly catchUpReadsMax: number
}

export type Lane = 'tail' | 'catchUp'

export interface Blocks {
  /** The bytes of an extent; they are shared, so nobody may change them but for stamping what is true of them. */
  read(extent: Extent, lane: Lane): Promise<Uint8Array>
}

/** `cache`: of this tenant, where several share the memory of a process; names and keys tell their blocks apart. */
export function createBlocks(
  deps: LogDeps,
  settings: BlockSettings,
  cache: BlockCache = createBlockCaches(settings.cacheBytesMax, deps.clock)(),
): Blocks {
  const { blockBytes } = settings
  const readAheadBlocks = Math.max(1, Math.floor(settings.readAheadBytes / blockBytes))
  const lanes = createLanes(settings)

  const fetchBlocks = (name: string, first: number, count: number, lane: Lane) => {
    const bytes = lanes[lane](() =>
      retryRepeatable(deps, () => deps.objects.getRange(name, first * blockBytes, count * blockBytes)),
    )
    const keys = Array.from({ length: count }, (_, i) => `${name}#${first + i}`)
    const blocks = bytes.then((all) => keys.map((_, i) => blockOf(all, i * blockBytes, blockBytes)))
    cache.add(keys, blocks)
  }

  const readObject = async (extent: Extent, lane: Lane) => {
    const name = objectName(deps.scope, extent)
    const first = Math.floor(extent.position / blockBytes)
    const last = Math.floor((extent.position + extent.length - 1) / blockBytes)
    const isThere = (block: number) => cache.has(`${name}#${block}`)
    for (const run of missingRuns(first, last, isThere)) {
      const readsOn = extent.storage === 'segment' && isThere(run.first - 1)
      const count = readsOn ? Math.max(run.count, readAheadBlocks) : run.count
      const [longer = run] = missingRuns(run.first, run.first + count - 1, isThere)
      fetchBlocks(name, longer.first, longer.count, lane)
    }
    const blocks: (Uint8Array | undefined)[] = []
    const wanted = Array.from({ length: last - first + 1 }, (_, i) => cache.get(`${name}#${first + i}`))
    for (const block of await Promise.all(wanted)) blocks.push(block)
    return cut(blocks, extent.position - first * blockBytes, extent.length)
  }

  const readInline = async (extent: Extent, lane: Lane) => {
    const key = deps.scope.inlineData(extent.objectId)
    const name = `${key.pk}#${key.sk}`
    if (!cache.has(name)) {
      const bytes = lanes[lane](() => retryRepeatable(deps, () => deps.table.get(key))).then((item) => {
        const data = item?.attributes.data
        // A copy, because blocks are stamped with their offsets and items are not ours to change.
        return [data instanceof Uint8Array ? data.slice() : undefined]
      })
      cache.add([name], bytes)
    }
    return cut([await cache.get(name)], extent.position, extent.length)
  }

  return {
    async read(extent, lane) {
      if (extent.length === 0) return new Uint8Array(0)
      const bytes = await (extent.storage === 'inline' ? readInline(extent, lane) : readObject(extent, lane))
      if (bytes) return bytes
      throw missing(extent)
    },
  }
}

export const missing = ({ objectId, position, length }: Extent): KafkaError =>
  new KafkaError(
    'KAFKA_STORAGE_ERROR',
    `${length} bytes at position ${position} of object ${objectId} are missing.`,
  )

const createLanes = ({ tailReadsMax, catchUpReadsMax }: BlockSettings): Record<Lane, Limiter> => ({
  tail: createLimiter(tailReadsMax),
  catchUp: createLimiter(catchUpReadsMax),
})

/** Of an extent that is not inline. */
export const objectName = (
  scope: Scope,
  { storage, objectId }: Pick<Extent, 'storage' | 'objectId'>,
): string => (storage === 'segment' ? scope.segmentObject(objectId) : scope.logObject(objectId))

/** undefined: the object ends before, or is gone. */
const blockOf = (all: Uint8Array | undefined, start: number, length: number): Uint8Array | undefined =>
  all && start < all.length ? all.subarray(start, start + length) : undefined

/** undefined: the object ends before, or is gone. */
function cut(
  blocks: readonly (Uint8Array | undefined)[],
  start: number,
  length: number,
): Uint8Array | undefined {
  const [first] = blocks
  const present = blocks.filter((block) => block !== undefined)
  if (present.length < blocks.length || !first) return undefined
  if (start + length <= first.length) return first.subarray(start, start + length)
  const whole = joined(present)
  if (whole) return start + length <= whole.length ? whole.subarray(start, start + length) : undefined
  const bytes = new Uint8Array(length)
  let filled = 0
  for (const [i, block] of present.entries()) {
    const part = i === 0 ? block.subarray(start) : block.subarray(0, length - filled)
    bytes.set(part, filled)
    filled += part.length
  }
  return filled === length ? bytes : undefined
}

/** Blocks that came by one request lie side by side: one view on them needs no copy. undefined: they do not. */
function joined(blocks: readonly Uint8Array[]): Uint8Array | undefined {
  const [first] = blocks
  let end = first?.byteOffset
  for (const { buffer, byteOffset, length } of blocks) {
    if (buffer !== first?.buffer || byteOffset !== end) return undefined
    end = byteOffset + length
  }
  return first && end !== undefined
    ? new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset)
    : undefined
}

/** Neighbouring blocks of [first, last] that are not there, as runs. */
export function missingRuns(
  first: number,
  last: number,
  isThere: (block: number) => boolean,
): readonly { readonly first: number; readonly count: number }[] {
  const runs: { first: number; count: number }[] = []
  for (let block = first; block <= last; block++) {
    if (isThere(block)) continue
    const run = runs.at(-1)
    if (run && run.first + run.count === block) run.count++
    else runs.push({ first: block, count: 1 })
  }
  return runs
}
