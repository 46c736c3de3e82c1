import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCompactionReport } from '../../../shared/compaction/deps.ts'
import { readAhead } from '../../../shared/compaction/readExtents.ts'
import { createBlocks } from '../../../shared/log/blocks.ts'
import type { PlacedExtent } from '../../../shared/metadata/extent.ts'
import { defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import { defaultClusterSettings } from '../../../shared/service/settings.ts'
import { createMill } from '../../support/compactorTools.ts'

const kibibyte = 1024
const objectIds = ['aa', 'bb', 'cc'].map((hex) => hex.repeat(16))

/** Object i holds bytes that say which object and where. */
const bytesOf = (object: number, position: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => object + 7 * (position + i) + ((position + i) >> 8))

const extentAt = (object: number, position: number, length: number): PlacedExtent => ({
  storage: 'segment',
  objectId: objectIds[object] ?? '',
  position,
  length,
  baseOffset: 0,
  offsetCount: 1,
  maxTimestamp: 0,
  producerBatches: [],
})

async function setUp() {
  const mill = createMill()
  const gets: string[] = []
  const objects = {
    ...mill.objects,
    getRange: (name: string, start: number, length: number) => {
      gets.push(`${start}+${length}`)
      return mill.objects.getRange(name, start, length)
    },
  }
  const logDeps = mill.depsOn({ objects })
  for (const [i, id] of objectIds.entries()) {
    await objects.putIfAbsent(mill.scope.segmentObject(id), [bytesOf(i, 0, 6000 * kibibyte)])
  }
  const deps = {
    ...logDeps,
    blocks: createBlocks(logDeps, defaultClusterSettings.fetch),
    settings: defaultCompactionSettings,
    owner: 'reader',
    report: newCompactionReport(),
    giveWay: () => undefined,
  }
  return { deps, gets }
}

test('neighbours in an object are read together, and every extent gets its own bytes', async () => {
  const { deps, gets } = await setUp()
  const extents = [
    ...[0, 1000, 2000, 3000, 4000].map((at) => extentAt(0, at * kibibyte, 1000 * kibibyte)),
    extentAt(1, 100, 600 * kibibyte),
    extentAt(1, 1000 * kibibyte, 20),
    extentAt(2, 5, 5000 * kibibyte),
  ]
  const seen: PlacedExtent[] = []
  for await (const { extent, bytes } of readAhead(deps, extents)) {
    const object = objectIds.indexOf(extent.objectId)
    assert.ok(Buffer.from(bytesOf(object, extent.position, extent.length)).equals(bytes))
    seen.push(extent)
  }
  assert.deepEqual(seen, extents)
  const block = defaultClusterSettings.fetch.blockBytes
  const runs = [`0+${4000 * kibibyte}`, `${4000 * kibibyte}+${1000 * kibibyte}`, `100+${600 * kibibyte}`]
  assert.deepEqual(gets.toSorted(), [...runs, `0+${block}`, `5+${5000 * kibibyte}`].toSorted())
  assert.equal(
    deps.report.counters.bytesRead,
    extents.reduce((sum, { length }) => sum + length, 0),
  )
})

test('an object that ends before a large extent does is told by its name', async () => {
  const { deps } = await setUp()
  const read = async () => {
    for await (const _ of readAhead(deps, [extentAt(1, 5500 * kibibyte, 1000 * kibibyte)]));
  }
  await assert.rejects(read(), /1024000 bytes at position 5632000 of object bb/)
})
