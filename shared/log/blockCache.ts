// Blocks in memory, shared by the tenants of a process. Where there is no room for a new one, blocks go that nobody has
// used for a minute; when there are none, the tenant that holds the most gives up what it used least recently.
// So a tenant alone may fill it all, and one that reads its whole history pushes out its own blocks and nobody else's.
// Blocks that came by one request are views of its bytes, which stay in memory for any of them: they go together.

import type { Clock } from '../ports/world.ts'

type Block = Uint8Array | undefined

export interface BlockCache {
  has(key: string): boolean
  /** Blocks that come together, in the order of their keys. One that fails to come, or is missing, is not kept. */
  add(keys: readonly string[], blocks: Promise<readonly Block[]>): void
  get(key: string): Promise<Block> | undefined
}

interface Load {
  readonly keys: readonly string[]
  readonly blocks: Promise<readonly Block[]>
  readonly holder: Holder
  /** What it takes of the cache; 0 until it has come. */
  size: number
  usedMs: number
}

interface Holder {
  /** Least recently used first. */
  readonly loads: Set<Load>
  bytes: number
}

/** What a load counts at least: of a small one most is what is kept about it. */
export const blockBytesMin = 1024

/** What tenants left behind that are gone is nobody's share. */
const unusedMsMax = 60_000

/** Gives a cache to each tenant that asks; keys of different tenants differ. */
export function createBlockCaches(bytesMax: number, clock: Pick<Clock, 'now'>): () => BlockCache {
  const entries = new Map<string, Load>()
  /** Those that have come, of all tenants, least recently used first. */
  const loads = new Set<Load>()
  const holders = createHolders(bytesMax)

  const drop = (load: Load) => {
    for (const key of load.keys) forget(load, key)
    if (!loads.delete(load)) return
    load.holder.loads.delete(load)
    holders.resize(load.holder, -load.size)
  }
  const forget = (load: Load, key: string) => {
    if (entries.get(key) === load) entries.delete(key)
  }
  const nextToGo = (): Load | undefined => {
    const [oldest] = loads
    if (oldest === undefined || clock.now() - oldest.usedMs > unusedMsMax) return oldest
    return holders.largest()?.loads.values().next().value
  }
  const use = (load: Load) => {
    load.usedMs = clock.now()
    for (const order of [loads, load.holder.loads]) {
      order.delete(load)
      order.add(load)
    }
  }
  const arrived = (load: Load, blocks: readonly Block[]) => {
    for (const [i, key] of load.keys.entries()) if (!blocks[i]) forget(load, key)
    if (!load.keys.some((key) => entries.get(key) === load)) return
    const bytes = blocks.reduce((sum, block) => sum + (block?.length ?? 0), 0)
    load.size = Math.max(bytes, blockBytesMin)
    use(load)
    holders.resize(load.holder, load.size)
    for (let old = nextToGo(); old && holders.bytes() > bytesMax; old = nextToGo()) drop(old)
  }

  return () => {
    const holder: Holder = { loads: new Set(), bytes: 0 }
    return {
      has: (key) => entries.has(key),
      add(keys, blocks) {
        const load: Load = { keys, blocks, holder, size: 0, usedMs: 0 }
        for (const key of keys) {
          const before = entries.get(key)
          if (before !== undefined) drop(before)
          entries.set(key, load)
        }
        const failed = () => drop(load)
        blocks.then((come) => arrived(load, come), failed)
      },
      get(key) {
        const load = entries.get(key)
        if (load !== undefined && loads.has(load)) use(load)
        return load?.blocks.then((blocks) => blocks[load.keys.indexOf(key)])
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
