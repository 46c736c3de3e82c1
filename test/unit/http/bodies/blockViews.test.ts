import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createByteRoom } from '../../../../shared/base/byteRoom.ts'
import { createBlockViews } from '../../../../shared/http/bodies/blockViews.ts'

const block = (bytes: number) => new Uint8Array(new ArrayBuffer(bytes)).map((_, i) => i)

/** What a tenant alone may still take at once. */
const free = (room: ReturnType<typeof createByteRoom>, bytesMax: number) => {
  for (let bytes = bytesMax; bytes > 0; bytes--) {
    const place = room.acquireNow(undefined, bytes)
    if (place.bytes === 0) continue
    room.resize(place, 0)
    return bytes
  }
  return 0
}

test('batches that lie side by side are one view, whose block takes room once for all its readers', () => {
  const room = createByteRoom(100)
  const views = createBlockViews(room)
  const bytes = block(40)
  const first = views.open('a', [bytes.subarray(4, 10), bytes.subarray(10, 20)])
  const second = views.open('a', [bytes.subarray(10, 20)])
  assert.deepEqual(first?.bytes, bytes.subarray(4, 20))
  assert.equal(first.bytes.buffer, bytes.buffer)
  assert.equal(free(room, 100), 60)
  first.leave()
  first.leave()
  assert.equal(free(room, 100), 60, 'the second one is not sent yet')
  second?.leave()
  assert.equal(free(room, 100), 100)
  const again = views.open('a', [bytes.subarray(0, 4)])
  first.leave()
  assert.equal(free(room, 100), 60)
  again?.leave()
})

test('there is no view of batches that lie apart', () => {
  const views = createBlockViews(createByteRoom(100))
  const bytes = block(40)
  assert.equal(views.open('a', [bytes.subarray(0, 4), bytes.subarray(5, 6)]), undefined)
  assert.equal(views.open('a', [bytes.subarray(0, 4), block(40).subarray(4, 6)]), undefined)
  assert.equal(views.open('a', []), undefined)
})

test('a tenant’s views have its share of the room, and its neighbour still gets one', () => {
  const room = createByteRoom(100)
  const views = createBlockViews(room)
  const opened = Array.from({ length: 10 }, () => views.open('greedy', [block(20)]))
  assert.equal(opened.filter((view) => view !== undefined).length, 2)
  assert.ok(views.open('neighbour', [block(20)]))
  assert.equal(views.open('greedy', [block(20)]), undefined)
})
