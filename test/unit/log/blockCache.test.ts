import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BlockCache, blockBytesMin, createBlockCaches } from '../../../shared/log/blockCache.ts'

/** Ten blocks of the usual size. */
const blockBytes = 2000
const bytesMax = 10 * blockBytes

/** What came is in the cache once its promise has been told. */
async function put(cache: BlockCache, key: string, size = blockBytes) {
  cache.add([key], Promise.resolve([new Uint8Array(size)]))
  await Promise.resolve()
}

function createCaches() {
  let now = 0
  return {
    newCache: createBlockCaches(bytesMax, { now: () => now }),
    advance: (ms: number) => {
      now += ms
    },
  }
}

const kept = (cache: BlockCache, keys: readonly string[]) => keys.filter((key) => cache.has(key))
const names = (tenant: string, count: number) => Array.from({ length: count }, (_, i) => `${tenant}#${i}`)

test('a tenant that reads its whole history leaves the blocks of its neighbours where they are', async () => {
  const { newCache } = createCaches()
  const [scanning, follower, other] = [newCache(), newCache(), newCache()]
  const tails = [...names('follower', 3), ...names('other', 1)]
  for (const key of names('follower', 3)) await put(follower, key)
  for (const key of names('other', 1)) await put(other, key)
  for (const key of names('scanning', 500)) {
    await put(scanning, key)
    assert.ok(scanning.has(key), 'what has just come is there')
  }
  assert.deepEqual(kept(scanning, tails), tails)
  assert.deepEqual(kept(scanning, names('scanning', 500)), names('scanning', 500).slice(-6))
})

test('a tenant alone may use all of it, and gives way down to its share', async () => {
  const { newCache } = createCaches()
  const [first, second, third] = [newCache(), newCache(), newCache()]
  for (const key of names('first', 20)) await put(first, key)
  assert.deepEqual(kept(first, names('first', 20)), names('first', 20).slice(-10))
  for (const key of names('second', 20)) await put(second, key)
  assert.equal(kept(first, names('first', 20)).length, 5)
  assert.equal(kept(first, names('second', 20)).length, 5)
  for (const key of names('third', 20)) await put(third, key)
  const shares = ['first', 'second', 'third'].map((name) => kept(first, names(name, 20)).length)
  assert.deepEqual(shares.sort(), [3, 3, 4])
})

test('of one tenant the least recently used goes', async () => {
  const { newCache } = createCaches()
  const cache = newCache()
  for (const key of names('t', 10)) await put(cache, key)
  await cache.get('t#0')
  await put(cache, 'new')
  assert.deepEqual(kept(cache, ['t#0', 't#1', 't#2', 'new']), ['t#0', 't#2', 'new'])
})

test('what nobody used for a minute goes first, whoever holds it', async () => {
  const { newCache, advance } = createCaches()
  const [gone, busy] = [newCache(), newCache()]
  for (const key of names('gone', 5)) await put(gone, key)
  advance(60_001)
  for (const key of names('busy', 10)) await put(busy, key)
  assert.deepEqual(kept(busy, names('gone', 5)), [])
  assert.deepEqual(kept(busy, names('busy', 10)), names('busy', 10))
})

test('a block that is missing or failed to come is not kept', async () => {
  const { newCache } = createCaches()
  const cache = newCache()
  cache.add(['missing'], Promise.resolve([undefined]))
  cache.add(['failed'], Promise.reject(new Error('down')))
  assert.ok(cache.has('missing') && cache.has('failed'), 'while it is on its way it is shared')
  await Promise.resolve()
  assert.ok(!cache.has('missing') && !cache.has('failed'))
})

test('blocks that came together stay and go together, because each of them keeps the bytes of all', async () => {
  const { newCache } = createCaches()
  const cache = newCache()
  const all = new Uint8Array(3 * blockBytes)
  const keys = ['a', 'b', 'c', 'behind the end']
  cache.add(keys, Promise.resolve([0, 1, 2].map((i) => all.subarray(i * blockBytes, (i + 1) * blockBytes))))
  await Promise.resolve()
  assert.deepEqual(kept(cache, keys), ['a', 'b', 'c'])
  for (const key of names('t', 6)) await put(cache, key)
  await cache.get('b')
  for (const key of names('u', 7)) await put(cache, key)
  assert.deepEqual(kept(cache, keys), ['a', 'b', 'c'], 'one is used, so none of them is old')
  await put(cache, 'new')
  assert.deepEqual(kept(cache, keys), [])
})

test('no more is kept than the bound, and no tenant loses a block while another holds more', async () => {
  const reads = fc.array(
    fc.record({
      tenant: fc.nat(4),
      block: fc.nat(15),
      size: fc.integer({ min: 1, max: 2 * blockBytes }),
      afterMs: fc.constantFrom(0, 1, 1000),
    }),
    { maxLength: 300 },
  )
  await fc.assert(
    fc.asyncProperty(reads, async (list) => {
      const { newCache, advance } = createCaches()
      const caches = Array.from({ length: 5 }, () => newCache())
      const sizes = new Map<string, number>()
      const held = (tenant: number) =>
        [...sizes].reduce((sum, [key, size]) => sum + (key.startsWith(`${tenant}#`) ? size : 0), 0)
      const forgetGone = (cache: BlockCache) => {
        const gone = [...sizes.keys()].filter((key) => !cache.has(key))
        for (const key of gone) sizes.delete(key)
        return gone
      }
      let ms = 0
      for (const { tenant, block, size, afterMs } of list) {
        const cache = caches[tenant]
        if (cache === undefined) return assert.fail()
        advance(afterMs)
        ms += afterMs
        const key = `${tenant}#${block}`
        if (cache.has(key)) {
          await cache.get(key)
          continue
        }
        await put(cache, key, size)
        sizes.set(key, Math.max(size, blockBytesMin))
        const before = [0, 1, 2, 3, 4].map(held)
        const gone = forgetGone(cache)
        assert.ok([...sizes.values()].reduce((sum, one) => sum + one, 0) <= bytesMax)
        if (ms > 60_000) continue
        for (const [loser, bytes] of before.entries()) {
          const isLoser = gone.some((one) => one.startsWith(`${loser}#`))
          const slack = bytesMax / 64 + 2 * blockBytes * gone.length
          assert.ok(!isLoser || bytes + slack >= Math.max(...before), `${bytes} of ${before.join(', ')}`)
        }
      }
    }),
  )
})

test('many small blocks take no more memory than the bound allows', async () => {
  const { newCache } = createCaches()
  const cache = newCache()
  for (const key of names('t', 1000)) await put(cache, key, 1)
  assert.ok(kept(cache, names('t', 1000)).length <= bytesMax / blockBytesMin)
})
