import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deferred } from '../../../../shared/base/concurrency.ts'
import { createHedge, nextLateMs } from '../../../../shared/storage/aws/hedge.ts'
import { createTestClock } from './s3Store.ts'

/** A read whose requests are answered by the test, in any order. */
const createRead = () => {
  const clock = createTestClock()
  const hedge = createHedge(clock)
  const requests: { answer: (text: string) => void; fail: (error: Error) => void; signal: AbortSignal }[] = []
  const ask = (signal: AbortSignal): Promise<string> => {
    const { promise, resolve, reject } = deferred<string>()
    requests.push({ answer: resolve, fail: reject, signal })
    return promise
  }
  const late = async (): Promise<void> => {
    clock.beLate()
    await new Promise(setImmediate)
  }
  return { read: () => hedge(ask), requests, late }
}

test('a read that is answered in time is asked for once', async () => {
  const { read, requests, late } = createRead()
  const answer = read()
  requests[0]?.answer('a')
  assert.equal(await answer, 'a')
  await late()
  assert.equal(requests.length, 1)
})

test('a late read is asked for once more, the first answer counts and the other request is given up', async () => {
  for (const faster of [0, 1]) {
    const { read, requests, late } = createRead()
    const answer = read()
    await late()
    await late()
    assert.equal(requests.length, 2)
    assert.equal(requests[1 - faster]?.signal.aborted, false)
    requests[faster]?.answer('a')
    assert.equal(await answer, 'a')
    assert.equal(requests[1 - faster]?.signal.aborted, true)
  }
})

test('a read that fails in time fails at once, and is not asked for again', async () => {
  const { read, requests, late } = createRead()
  const answer = read()
  requests[0]?.fail(new Error('refused'))
  await assert.rejects(answer, /refused/)
  await late()
  assert.equal(requests.length, 1)
})

test('of two requests one may fail', async () => {
  const { read, requests, late } = createRead()
  const answer = read()
  await late()
  requests[0]?.fail(new Error('first'))
  requests[1]?.answer('a')
  assert.equal(await answer, 'a')
  const failing = read()
  await late()
  requests[3]?.fail(new Error('second'))
  requests[2]?.fail(new Error('last'))
  await assert.rejects(failing, /last/)
})

test('when all reads are late, at most eight and then one of sixteen are asked for twice', async () => {
  const { read, requests, late } = createRead()
  for (let reads = 0; reads < 8 + 160; reads += 1) {
    const before = requests.length
    const answer = read()
    await late()
    requests[before]?.answer('a')
    await answer
  }
  assert.ok(requests.length - 168 >= 8 + 9 && requests.length - 168 <= 8 + 11, `${requests.length - 168}`)
})

test('late becomes later than 19 of 20 reads', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 19 }), fc.integer({ min: 0, max: 96 }), (scale, start) => {
      // Durations from scale to 100 * scale, all of them equally often, in an order without a pattern.
      let lateMs = 200
      for (let read = start; read < start + 3000; read += 1) {
        lateMs = nextLateMs(lateMs, (1 + ((read * 37) % 100)) * scale)
      }
      const expected = Math.max(20, 95 * scale)
      assert.ok(lateMs > expected * 0.8 && lateMs < expected * 1.2, `${lateMs} for ${expected}`)
    }),
  )
})

test('late has bounds, whatever reads take', () => {
  let lateMs = 200
  for (let read = 0; read < 2000; read += 1) lateMs = nextLateMs(lateMs, 0)
  assert.equal(lateMs, 20)
  for (let read = 0; read < 2000; read += 1) lateMs = nextLateMs(lateMs, 1_000_000)
  assert.equal(lateMs, 2000)
})
