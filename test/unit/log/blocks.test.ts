import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deferred } from '../../../shared/base/concurrency.ts'
import { StorageError } from '../../../shared/base/errors.ts'
import { blockBytesMin } from '../../../shared/log/blockCache.ts'
import { createBlocks, missingRuns } from '../../../shared/log/blocks.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { kafkaError, virtualPorts } from '../../support/logTools.ts'

const objectId = (i: number) => i.toString(16).padStart(32, '0')
const settings = {
  cacheBytesMax: 10 * blockBytesMin,
  blockBytes: 100,
  readAheadBytes: 300,
  tailReadsMax: 4,
  catchUpReadsMax: 2,
}
const scope = createScope('t')

/** Objects 0 to 9 of 1,000 bytes each, whose bytes are their position modulo 251. */
async function createStore(change: (objects: ObjectStore) => Partial<ObjectStore> = () => ({})) {
  const ports = virtualPorts()
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251)
  for (let i = 0; i < 10; i++) await ports.objects.putIfAbsent(scope.logObject(objectId(i)), [bytes])
  const gets: string[] = []
  const objects: ObjectStore = {
    ...ports.objects,
    getRange(name, start, length) {
      gets.push(`${start}+${length}`)
      return ports.objects.getRange(name, start, length)
    },
  }
  const deps = {
    ...ports,
    objects: { ...objects, ...change(objects) },
    random: systemRandom,
    scope,
    reportBackgroundFailure: (error: unknown) => assert.fail(String(error)),
  }
  return { blocks: createBlocks(deps, settings), gets, bytes, deps }
}

const extent = (
  object: number,
  position: number,
  length: number,
  storage: 'object' | 'inline' | 'segment' = 'object',
) => ({
  storage,
  objectId: objectId(object),
  position,
  length,
  offsetCount: 1,
  maxTimestamp: 0,
  producerBatches: [],
})

test('any range of an object is read as it is stored', async () => {
  const { blocks, bytes } = await createStore()
  const range = fc.tuple(fc.nat(999), fc.integer({ min: 1, max: 1000 }))
  await fc.assert(
    fc.asyncProperty(range, async ([start, wanted]) => {
      const length = Math.min(wanted, 1000 - start)
      assert.deepEqual(
        Uint8Array.from(await blocks.read(extent(1, start, length), 'tail')),
        bytes.slice(start, start + length),
      )
    }),
  )
})

test('blocks side by side come by one request, and those that are there are not asked for again', async () => {
  const { blocks, gets } = await createStore()
  await blocks.read(extent(0, 350, 10), 'tail')
  await blocks.read(extent(0, 120, 700), 'tail')
  assert.deepEqual(gets, ['300+100', '100+200', '400+500'])
})

test('who reads on in a segment gets several blocks by one request, also where it ends between them', async () => {
  const { blocks, gets, bytes, deps } = await createStore()
  await deps.objects.putIfAbsent(scope.segmentObject(objectId(0)), [bytes.subarray(0, 930)])
  const read: number[] = []
  for (let position = 0; position < 930; position += 31) {
    read.push(...(await blocks.read(extent(0, position, 30, 'segment'), 'catchUp')))
  }
  const expected = bytes.subarray(0, 930).filter((_, i) => i % 31 < 30)
  assert.deepEqual(Uint8Array.from(read), expected)
  assert.deepEqual(gets, ['0+100', '100+300', '400+300', '700+300'])
  gets.length = 0
  await blocks.read(extent(1, 0, 100), 'catchUp')
  await blocks.read(extent(1, 100, 100), 'catchUp')
  assert.deepEqual(gets, ['0+100', '100+100'])
})

test('all who want the same block at once share one request', async () => {
  const { blocks, gets } = await createStore()
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => blocks.read(extent(0, i, 10), i % 2 ? 'tail' : 'catchUp')),
  )
  assert.deepEqual(gets, ['0+100'])
})

test('the cache keeps what was used last within its bound', async () => {
  const { blocks, gets } = await createStore()
  for (let i = 0; i < 10; i++) await blocks.read(extent(i, 0, 100), 'tail')
  await blocks.read(extent(0, 0, 100), 'tail')
  assert.equal(gets.length, 10, 'everything fits')
  await blocks.read(extent(1, 500, 100), 'tail')
  await blocks.read(extent(0, 0, 100), 'tail')
  assert.equal(gets.length, 11, 'what was used lately is still there')
  await blocks.read(extent(1, 0, 100), 'tail')
  assert.equal(gets.length, 12, 'what was used least lately has gone')
})

test('no block outlives its bound through another one that came by the same request', async () => {
  const { deps, gets } = await createStore()
  const segments = [0, 1, 2, 3]
  for (const i of segments) {
    await deps.objects.putIfAbsent(scope.segmentObject(objectId(i)), [new Uint8Array(16 * 1024)])
  }
  const blocks = createBlocks(deps, { ...settings, blockBytes: 1024, readAheadBytes: 4096 })
  const read = (segment: number, position: number) =>
    blocks.read(extent(segment, position, 10, 'segment'), 'catchUp')
  for (const segment of segments) {
    await read(segment, 0)
    await read(segment, 1024)
    for (const before of segments.slice(0, segment)) await read(before, 1024)
  }
  gets.length = 0
  const held = new Set<ArrayBufferLike>()
  for (const segment of segments.toReversed()) {
    const { buffer } = await read(segment, 1024)
    if (gets.length > 0) break
    held.add(buffer)
  }
  const bytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0)
  assert.ok(bytes > 0 && bytes <= settings.cacheBytesMax, `${bytes} bytes`)
})

test('a block larger than the cache is read all the same', async () => {
  const { deps } = await createStore()
  const blocks = createBlocks(deps, { ...settings, cacheBytesMax: 50 })
  assert.equal((await blocks.read(extent(0, 0, 1000), 'tail')).length, 1000)
})

test('catching up takes its own lane and leaves the tail room', async () => {
  const open: (() => void)[] = []
  const started: string[] = []
  const { blocks } = await createStore((objects) => ({
    async getRange(name, start, length) {
      const { promise, resolve } = deferred<void>()
      started.push(`${Number.parseInt(name.slice(-2), 16)}`)
      open.push(resolve)
      await promise
      return objects.getRange(name, start, length)
    },
  }))
  const slow = [0, 1, 2, 3, 4].map((i) => blocks.read(extent(i, 0, 10), 'catchUp'))
  const fast = [5, 6].map((i) => blocks.read(extent(i, 0, 10), 'tail'))
  assert.deepEqual(started, ['0', '1', '5', '6'])
  const done = Promise.all([...slow, ...fast])
  for (let i = 0; i < 7; i++) {
    open[i]?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await done
  assert.deepEqual(started, ['0', '1', '5', '6', '2', '3', '4'])
})

test('bytes that are missing are damage that is named, and are not remembered as missing', async () => {
  const { blocks, deps } = await createStore()
  await assert.rejects(blocks.read(extent(77, 0, 10), 'tail'), kafkaError('KAFKA_STORAGE_ERROR'))
  await assert.rejects(blocks.read(extent(0, 950, 51), 'tail'), /51 bytes at position 950/)
  await assert.rejects(blocks.read(extent(78, 0, 10, 'inline'), 'tail'), kafkaError('KAFKA_STORAGE_ERROR'))
  await deps.objects.putIfAbsent(scope.logObject(objectId(77)), [new Uint8Array(10)])
  assert.equal((await blocks.read(extent(77, 0, 10), 'tail')).length, 10)
})

test('a request that failed is made again by the next reader', async () => {
  let down = true
  const { blocks } = await createStore((objects) => ({
    getRange: (name, start, length) =>
      down ? Promise.reject(new StorageError('none', 'down')) : objects.getRange(name, start, length),
  }))
  await assert.rejects(blocks.read(extent(0, 0, 300), 'tail'), kafkaError('KAFKA_STORAGE_ERROR'))
  down = false
  assert.equal((await blocks.read(extent(0, 0, 300), 'tail')).length, 300)
})

test('runs of missing blocks cover exactly the missing ones', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), fc.nat(50), (there, first) => {
      const runs = missingRuns(first, first + there.length - 1, (block) => there[block - first] ?? false)
      const covered = runs.flatMap((run) => Array.from({ length: run.count }, (_, i) => run.first + i))
      const missing = there.flatMap((isThere, i) => (isThere ? [] : [first + i]))
      assert.deepEqual(covered, missing)
      for (const [i, run] of runs.entries()) {
        const before = runs[i - 1]
        assert.ok(!before || before.first + before.count < run.first, 'neighbours are one run')
      }
    }),
  )
})
