// How much of a partition is in no segment yet: each byte once, whatever a spill or a merge has left half done.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCompactionReport, type Partition } from '../../../shared/compaction/deps.ts'
import { unmergedBytes } from '../../../shared/compaction/partitionItems.ts'
import type { PlacedExtent } from '../../../shared/metadata/extent.ts'
import { indexWrite } from '../../../shared/metadata/indexItem.ts'
import { defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import { effectiveConfig } from '../../../shared/topics/configs.ts'
import { createMill } from '../../support/compactorTools.ts'

const partition: Partition = { topicName: 't', topicId: 'id', partition: 0, config: effectiveConfig({}) }

/** A flush of one record and a hundred bytes. */
const flush = (baseOffset: number): PlacedExtent => ({
  storage: 'object',
  objectId: String(baseOffset).padStart(32, '0'),
  position: 0,
  length: 100,
  baseOffset,
  offsetCount: 1,
  maxTimestamp: 0,
  producerBatches: [],
})
const flushes = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => flush(from + i))

async function bytesOf(places: {
  readonly segmentsEnd: number
  readonly indexed: readonly (readonly [number, number])[]
  readonly tail: readonly [number, number]
  readonly max?: number
}): Promise<number> {
  const { segmentsEnd, indexed, tail, max = 1e9 } = places
  const mill = createMill()
  for (const [from, to] of indexed) {
    const item = { baseOffset: from, runningMaxTimestamp: 0, extents: flushes(from, to) }
    await mill.table.write(indexWrite(mill.scope, 'id', 0, item))
  }
  const deps = {
    ...mill.depsOn({}),
    settings: defaultCompactionSettings,
    owner: 'me',
    report: newCompactionReport(),
    giveWay: () => undefined,
    blocks: { read: () => assert.fail('it reads no bytes') },
  }
  const state = {
    nextOffset: tail[1],
    logStartOffset: 0,
    segmentsEndOffset: segmentsEnd,
    spilledMaxTimestamp: 0,
    tailStartOffset: tail[0],
    tail: flushes(...tail),
  }
  return unmergedBytes(deps, partition, state, max)
}

test('what is in the index above the segments and what is in the tail is unmerged', async () => {
  assert.equal(await bytesOf({ segmentsEnd: 0, indexed: [[0, 4]], tail: [4, 7] }), 700)
  assert.equal(await bytesOf({ segmentsEnd: 4, indexed: [[0, 4]], tail: [4, 7] }), 300)
  assert.equal(
    await bytesOf({
      segmentsEnd: 7,
      indexed: [
        [0, 4],
        [4, 7],
      ],
      tail: [7, 7],
    }),
    0,
  )
})

test('a spill that has written its items and not taken them off the tail yet counts once', async () => {
  assert.equal(await bytesOf({ segmentsEnd: 2, indexed: [[0, 6]], tail: [4, 7] }), 500)
  assert.equal(
    await bytesOf({
      segmentsEnd: 0,
      indexed: [
        [0, 4],
        [4, 6],
      ],
      tail: [4, 7],
    }),
    700,
  )
})

test('a merge that was quicker than the spill counts nothing of the tail that it has taken', async () => {
  assert.equal(await bytesOf({ segmentsEnd: 5, indexed: [[0, 5]], tail: [1, 7] }), 200)
})

test('bytes are counted as far as they matter', async () => {
  assert.equal(
    await bytesOf({
      segmentsEnd: 0,
      indexed: [
        [0, 4],
        [4, 8],
      ],
      tail: [8, 9],
      max: 300,
    }),
    500,
  )
})
