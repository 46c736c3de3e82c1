import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indexWrite, parseIndexItem } from '../../../shared/metadata/indexItem.ts'
import { createScope } from '../../../shared/metadata/scope.ts'

const scope = createScope('t')
const extent = (offsetCount: number) => ({
  storage: 'object' as const,
  objectId: 'ab'.repeat(16),
  position: 5,
  length: 70,
  offsetCount,
  maxTimestamp: 9,
  producerBatches: [],
})

test('an index item is found under its last offset and is read as it was written', () => {
  const write = indexWrite(scope, 'id', 3, {
    baseOffset: 10,
    runningMaxTimestamp: 99,
    extents: [extent(2), extent(5)],
  })
  assert.equal(write.key.pk, 't/id/p3')
  assert.equal(write.key.sk, 'index/00000000000000000016')
  assert.equal(write.kind, 'put')
  const attributes = write.kind === 'put' ? write.attributes : {}
  const item = parseIndexItem({ key: write.key, attributes })
  assert.deepEqual([item.baseOffset, item.endOffset, item.runningMaxTimestamp], [10, 17, 99])
  assert.deepEqual(
    item.extents.map(({ baseOffset }) => baseOffset),
    [10, 12],
  )
})

test('an index item that lacks something is refused', () => {
  const key = scope.index('id', 0, 1)
  assert.throws(() => parseIndexItem({ key, attributes: { base: 0, max: 1 } }), /has extents/)
  assert.throws(() => parseIndexItem({ key, attributes: { extents: Uint8Array.of(1, 0) } }), /base and max/)
  const empty = { base: 0, max: 1, extents: Uint8Array.of(1, 0) }
  assert.throws(() => parseIndexItem({ key, attributes: empty }), /at least one extent/)
})
