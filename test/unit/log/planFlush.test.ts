import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { limits } from '../../../shared/base/limits.ts'
import { type AppendRequest, flushLength, planContainers } from '../../../shared/log/planFlush.ts'
import { groupOf } from '../../../shared/metadata/sequencer.ts'

type WritePath = AppendRequest['writePath']

const request = (
  bytes: number,
  writePath: WritePath = 'auto',
  topicId = 't',
  partition = 0,
): AppendRequest => ({
  topicId: topicId.padEnd(22, 'A'),
  partition,
  writePath,
  batches: [{ bytes: new Uint8Array(bytes), recordCount: 1, maxTimestamp: 1, producer: undefined }],
})
const settings = { lingerMs: 0, flushBytesMax: 1000, flushRequestsMax: 3, flushesInFlightMax: 4 }
const shapes = (...requests: readonly AppendRequest[]) =>
  planContainers(requests).map(({ storage, parts }) => [
    storage,
    // The last part is the footer.
    parts.slice(0, -1).reduce((sum, part) => sum + part.length, 0),
  ])

test('a flush takes the oldest requests up to its bytes and its count, and at least one', () => {
  const sizes = (...bytes: number[]) =>
    flushLength(
      bytes.map((size) => request(size)),
      settings,
    )
  assert.equal(sizes(10, 10), 2)
  assert.equal(sizes(10, 10, 10, 10), 3)
  assert.equal(sizes(600, 400, 1), 2)
  assert.equal(sizes(600, 401), 1)
  assert.equal(sizes(5000, 1), 1)
})

test('a small flush goes into the table and a larger one into an object', () => {
  const most = limits.inlineFlushBytesMax
  assert.deepEqual(shapes(request(most)), [['inline', most]])
  assert.deepEqual(shapes(request(most + 1)), [['object', most + 1]])
  assert.deepEqual(shapes(request(most), request(1, 'auto', 'other')), [['object', most + 1]])
})

test('a topic chooses its write path', () => {
  assert.deepEqual(shapes(request(1, 's3')), [['object', 1]])
  assert.deepEqual(shapes(request(200_000, 'inline')), [['inline', 200_000]])
  assert.deepEqual(shapes(request(limits.inlineBytesMax + 1, 'inline')), [
    ['object', limits.inlineBytesMax + 1],
  ])
})

test('where there is an object anyhow, what may choose goes into it', () => {
  assert.deepEqual(shapes(request(1, 's3', 'a'), request(1, 'auto', 'b'), request(1, 'inline', 'c')), [
    ['inline', 1],
    ['object', 2],
  ])
})

test('no inline item is larger than a table takes', () => {
  const requests = Array.from({ length: 5 }, (_, i) => request(100_000, 'inline', `t${i}`))
  assert.deepEqual(shapes(...requests), [
    ['inline', 200_000],
    ['inline', 200_000],
    ['inline', 100_000],
  ])
})

const anyRequests = fc.array(
  fc.record({
    bytes: fc.integer({ min: 1, max: 12_000 }),
    topic: fc.integer({ min: 0, max: 2 }),
    partition: fc.constantFrom(0, 1, 16, 17),
    batches: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
)

test('every batch lies in one container, in order, side by side, and one commit a sequencer names it', () => {
  const paths: readonly WritePath[] = ['auto', 's3', 'inline']
  fc.assert(
    fc.property(anyRequests, (some) => {
      const requests = some.map(({ bytes, topic, partition, batches }): AppendRequest => {
        const one = request(bytes, paths[topic] ?? 'auto', `t${topic}`, partition)
        return {
          ...one,
          batches: one.batches.flatMap((batch) => Array.from({ length: batches }, () => ({ ...batch }))),
        }
      })
      const containers = planContainers(requests)
      const commits = containers.flatMap((container) => container.commits)
      const sequencers = commits.map(({ topicId, group }) => `${topicId}/${group}`)
      assert.equal(new Set(sequencers).size, sequencers.length)
      for (const container of containers) {
        let position = 0
        for (const [i, batch] of container.commits.flatMap(({ batches }) => batches).entries()) {
          assert.equal(batch.position, position)
          assert.equal(container.parts[i], batch.request.batches[batch.index]?.bytes)
          position += batch.length
        }
      }
      for (const { topicId, group, batches } of commits) {
        const asked = requests.filter((one) => one.topicId === topicId && groupOf(one.partition) === group)
        for (const partition of new Set(asked.map((one) => one.partition))) {
          const expected = asked
            .filter((one) => one.partition === partition)
            .flatMap((one) => one.batches.map((_, index) => [requests.indexOf(one), index]))
          const found = batches
            .filter((batch) => batch.partition === partition)
            .map((batch) => [requests.indexOf(batch.request), batch.index])
          assert.deepEqual(found, expected)
        }
      }
      const total = requests.reduce((sum, one) => sum + one.batches.length, 0)
      assert.equal(
        commits.reduce((sum, { batches }) => sum + batches.length, 0),
        total,
      )
    }),
  )
})
