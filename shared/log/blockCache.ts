// Blocks in memory, shared by the tenants of a process. Where there is no room for a new one, blocks go that nobody has
// used for a minute; when there are none, the tenant that holds the most gives up the one that it used least recently.
// So a tenant alone may fill it all, and one that reads its whole history pushes out its own blocks and nobody else's.

import type { Clock } from '../ports/world.ts'

export interface BlockCache {
  has(key: string): boolean
  /** A block that fails to come, or is missing, is not kept. */
  add(key: string, bytes: Promise<Uint8Array | undefined>): void
  get(key: string): Promise<Uint8Array | undefined> | undefined
}

interface Cached {
  readonly key: string
  readonly bytes: Promise<Uint8Array | undefined>
  readonly holder: Holder
  /** What it takes of the cache; 0 until it has come. */
  size: number
  usedMs: number
}

interface Holder {
  /** Least recently used first. */
  readonly blocks: Set<Cached>
  bytes: number
}

/** What a block counts at least: of a small one most is what is kept about it. */
export const blockBytesMin = 1024

/** What tenants left behind that are gone is nobody's share. */
const unusedMsMax = 60_000

/** Gives a cache to each tenant that asks; keys of different tenants differ. */
export function createBlockCaches(bytesMax: number, clock: Pick<Clock, 'now'>): () => BlockCache {
  const entries = new Map<string, Cached>()
  /** Those that have come, of all tenants, least recently used first. */
  const blocks = new Set<Cached>()
  const holders = createHolders(bytesMax)

  const drop = (cached: Cached) => {
    if (entries.get(cached.key) !== cached) return
    entries.delete(cached.key)
    if (!blocks.delete(cached)) return
    cached.holder.blocks.delete(cached)
    holders.resize(cached.holder, -cached.size)
  }
  const nextToGo = (): Cached | undefined => {
    const [oldest] = blocks
    if (oldest === undefined || clock.now() - oldest.usedMs > unusedMsMax) return oldest
    const [block] = holders.largest()?.blocks ?? []
    return block
  }
  const use = (cached: Cached) => {
    cached.usedMs = clock.now()
    for (const order of [blocks, cached.holder.blocks]) {
      order.delete(cached)
      order.add(cached)
    }
  }
  const arrived = (cached: Cached, bytes: Uint8Array | undefined) => {
    if (!bytes) return drop(cached)
    if (entries.get(cached.key) !== cached) return
    cached.size = Math.max(bytes.length, blockBytesMin)
    use(cached)
    holders.resize(cached.holder, cached.size)
    for (let old = nextToGo(); old !== undefined && holders.bytes() > bytesMax; old = nextToGo()) drop(old)
  }

  return () => {
    const holder: Holder = { blocks: new Set(), bytes: 0 }
    return {
      has: (key) => entries.has(key),
      add(key, bytes) {
        const cached: Cached = { key, bytes, holder, size: 0, usedMs: 0 }
        const before = entries.get(key)
        if (before !== undefined) drop(before)
        entries.set(key, cached)
        bytes.then(
          (block) => arrived(cached, block),
          () => drop(cached),
        )
      },
      get(key) {
        const cached = entries.get(key)
        if (cached !== undefined && blocks.has(cached)) use(cached)
        return cached?.bytes
      },
    }
  }
}

/** Tenants that differ by less than this part of the cache hold the same, so that the largest is found at once. */
const levelCount = 64

function createHolders(bytesMax: number) {
  const levels = Array.from({ length: levelCount }, () => new Set<Holder>())
  let total = 0
  const levelOf = ({ bytes }: Holder) =>
    levels[Math.min(levelCount - 1, Math.floor((bytes / bytesMax) * levelCount))]
  return {
    bytes: () => total,
    resize(holder: Holder, change: number): void {
      levelOf(holder)?.delete(holder)
      holder.bytes += change
      total += change
      if (holder.bytes > 0) levelOf(holder)?.add(holder)
    },
    largest(): Holder | undefined {
      const [holder] = levels.findLast(({ size }) => size > 0) ?? []
      return holder
    },
  }
}
