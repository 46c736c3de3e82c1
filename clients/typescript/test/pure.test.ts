// The decisions of the client, without its calls.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { murmur2 as kafkaMurmur2, partitionForKey as kafkaPartition } from '../../../shared/kafka/murmur2.ts'
import { addTo, type Entry, halved, openBatch, waitMs } from '../src/batch.ts'
import { base64Of, bytesOfBase64, utf8Of } from '../src/bytes.ts'
import { recordOf } from '../src/consumerRecord.ts'
import { localError, MillraceError, noAnswer, refusalOf } from '../src/errors.ts'
import { type Failure, judge } from '../src/judge.ts'
import { answered, lost, outsider, owning, reactionTo, stepsOf, tokenToRepeat } from '../src/membership.ts'
import { createPageQueue } from '../src/pageQueue.ts'
import { anotherPartition, murmur2, partitionForKey } from '../src/partitioner.ts'
import { createPositions } from '../src/positions.ts'
import { backoffMs } from '../src/retry.ts'
import { createRandom } from './support.ts'

test('keys are hashed as Kafka does, whatever bytes they have and wherever they lie', () => {
  const vectors = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    abc: 479470107,
  }
  for (const [key, hash] of Object.entries(vectors)) assert.equal(murmur2(utf8Of(key)), hash)
  const counts = fc.integer({ min: 1, max: 1536 })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(3), counts, (bytes, shift, count) => {
      const memory = new Uint8Array(bytes.length + shift)
      memory.set(bytes, shift)
      assert.equal(murmur2(memory.subarray(shift)), kafkaMurmur2(bytes))
      assert.equal(partitionForKey(memory.subarray(shift), count), kafkaPartition(bytes, count))
    }),
  )
})

test('another partition is any but the last, where there is another', () => {
  const random = createRandom(1)
  const picked = Array.from({ length: 200 }, () => anotherPartition(random(), 4, 2))
  assert.deepEqual([...new Set(picked)].sort(), [0, 1, 3])
  assert.equal(anotherPartition(0.9, 1, 0), 0)
  assert.equal(anotherPartition(0.9, 4, 7), 3)
})

test('base64 goes both ways with any bytes of any length', () => {
  for (const length of [0, 1, 2, 3, 8191, 8192, 8193, 100_000]) {
    const bytes = new Uint8Array(length).map((_, index) => index * 7)
    assert.equal(base64Of(bytes), Buffer.from(bytes).toString('base64'))
    assert.deepEqual(bytesOfBase64(base64Of(bytes)), bytes)
  }
})

const entry = (length: number): Entry => ({ key: null, rest: 'x'.repeat(length), resolve() {}, reject() {} })
const limits = { lingerMs: 10, batchBytesMax: 100 }

test('a batch takes records until it is full, and waits for its first one only', () => {
  const batch = openBatch(entry(40), 1000, limits)
  assert.equal(waitMs(batch, 1004, limits), 6)
  assert.equal(waitMs(batch, 1020, limits), 0)
  assert(addTo(batch, entry(40), limits))
  assert.equal(waitMs(batch, 1004, limits), 6)
  assert(!addTo(batch, entry(40), limits))
  assert.deepEqual([batch.entries.length, batch.bytes, waitMs(batch, 1004, limits)], [2, 80, 0])
  assert(!addTo(batch, entry(1), limits), 'a closed batch takes nothing')
  assert(openBatch(entry(500), 1000, limits).closed)
  const many = openBatch(entry(0), 0, limits)
  while (addTo(many, entry(0), limits)) assert(many.entries.length <= 10_000)
  assert.equal(many.entries.length, 10_000)
})

test('halves have the records of the whole, in order', () => {
  const batch = openBatch(entry(1), 5, limits)
  for (const length of [2, 3, 4, 5]) addTo(batch, entry(length), limits)
  const [left, right] = halved(batch)
  assert.deepEqual([...left.entries, ...right.entries], batch.entries)
  assert.deepEqual([left.bytes, right.bytes], [3, 12])
  assert(left.closed && right.closed && left.openedAtMs === 5)
})

const failure = (error: unknown, changes: Partial<Failure> = {}): Failure => ({
  ...{ error, attempt: 0, uncertain: false, renewed: false, records: 3, leftMs: 10_000, random: 0.5 },
  ...changes,
})
const refused = (status: number, errorCode = status) =>
  new MillraceError('', { status, errorCode, retriable: status >= 500 || status === 429 })

test('a batch without a clear answer is sent again, and from then on it may be stored', () => {
  for (const error of [noAnswer('cut'), refused(503), refused(504)]) {
    assert.deepEqual(judge(failure(error)), { kind: 'retry', afterMs: 75, uncertain: true })
  }
  assert.deepEqual(judge(failure(refused(429))), { kind: 'retry', afterMs: 75, uncertain: false })
  const late = judge(failure(noAnswer('cut'), { leftMs: 75 }))
  assert(late.kind === 'fail' && late.uncertain && /may have been stored: cut/.test(String(late.error)))
  const throttled = judge(failure(refused(429), { leftMs: 75 }))
  assert(throttled.kind === 'fail' && !throttled.uncertain && /was not stored/.test(String(throttled.error)))
})

test('a refusal is final, halves the batch or takes another id, and only where nothing may be stored', () => {
  const kinds = (error: unknown, changes: Partial<Failure> = {}) => judge(failure(error, changes)).kind
  assert.equal(kinds(refused(409, 40910), { uncertain: true }), 'stored')
  for (const error of [refused(409), refused(403)]) {
    assert.equal(kinds(error), 'renew')
    assert.equal(kinds(error, { renewed: true }), 'fail')
    assert.equal(kinds(error, { uncertain: true }), 'fail')
  }
  for (const error of [refused(400), refused(400, 40002), refused(413), refused(422)]) {
    assert.equal(kinds(error), 'halve')
    assert.equal(kinds(error, { records: 1 }), 'fail')
    assert.equal(kinds(error, { uncertain: true }), 'fail')
  }
  for (const error of [refused(401), refused(403, 40301), refused(404, 40403), localError('x')]) {
    assert.deepEqual(judge(failure(error)), { kind: 'fail', error, uncertain: false })
  }
  assert.deepEqual(judge(failure('aborted')), { kind: 'fail', error: 'aborted', uncertain: true })
})

test('back-off grows to a bound, is jittered, and waits as long as the service wants', () => {
  assert.deepEqual(
    [0, 1, 2, 20, 2000].map((attempt) => backoffMs(attempt, 1)),
    [100, 200, 400, 10_000, 10_000],
  )
  assert.equal(backoffMs(0, 0), 50)
  assert.equal(backoffMs(0, 0, 3000), 3000)
})

test('an answer that is no refusal of the service is an error all the same', () => {
  const error = refusalOf(502, new Headers({ 'retry-after': '2' }), '<html>')
  assert.deepEqual(
    [error.status, error.errorCode, error.retriable, error.retryAfterMs],
    [502, 502, true, 2000],
  )
  const known = refusalOf(404, new Headers(), '{"error_code":40403,"message":"no topic"}')
  assert.deepEqual([known.message, known.errorCode, known.retriable], ['no topic', 40403, false])
  assert.equal(refusalOf(400, new Headers(), 'null').errorCode, 400)
})

const partition = (number: number) => ({ topic: 't', partition: number })
const answer = (epoch: number, ...numbers: readonly number[]) => ({
  epoch,
  assignment: numbers.map(partition),
  token: `of ${epoch}`,
})

test('a member gives up what it is not to own, and takes what it is to own', () => {
  const joined = answered(outsider('m'), outsider('m'), answer(1, 0, 1))
  assert.deepEqual(stepsOf(joined), { revoke: [], assign: [partition(0), partition(1)] })
  const owner = owning(joined, 0, [partition(0), partition(1)])
  assert.deepEqual(stepsOf(owner), { revoke: [], assign: [] })
  const asked = answered(owner, owner, answer(2, 1, 2))
  assert.deepEqual(stepsOf(asked), { revoke: [partition(0)], assign: [partition(2)] })
  const settled = answered(asked, owner, { ...answer(2), assignment: undefined })
  assert.deepEqual(stepsOf(settled), { revoke: [], assign: [] })
})

test('the token of an answer is repeated when its partitions are taken, not before', () => {
  const joined = answered(outsider('m'), outsider('m'), answer(1, 0, 1))
  assert.equal(tokenToRepeat(outsider('m')), undefined)
  assert.equal(tokenToRepeat(joined), '')
  assert.equal(tokenToRepeat(owning(joined, 0, [partition(0)])), '')
  assert.equal(tokenToRepeat(owning(joined, 0, [partition(0), partition(1)])), 'of 1')
})

test('a partition is done to the end of its page when the last record of it is', () => {
  const positions = createPositions()
  positions.assign(partition(0), 5, undefined)
  const queue = createPageQueue(positions)
  const record = (offset: number) =>
    recordOf(partition(0), { offset, timestamp: 0, key: null, value: null, headers: [] })
  const version = positions.find(partition(0))?.version ?? -1
  const page = { ...partition(0), version, records: [record(5), record(7)], nextOffset: 20 }
  assert(positions.fetched(page))
  queue.put(page)
  const done = () => positions.find(partition(0))?.done
  for (const expected of [6, 20]) {
    const handed = queue.take()
    assert(handed !== undefined)
    positions.finish(handed)
    assert.equal(done(), expected)
  }
  assert.deepEqual([queue.take(), queue.bytes()], [undefined, 0])
  assert(positions.fetched({ ...page, records: [], nextOffset: 30 }))
  assert.equal(done(), 30)
  positions.pause(partition(0), true)
  assert(!positions.fetched(page), 'what was asked for before does not count')
})

test('an answer to an earlier life, and what was owned in one, count no more', () => {
  const before = owning({ ...outsider('m'), epoch: 3 }, 0, [partition(0)])
  const after = lost(before)
  assert.deepEqual([after.epoch, after.owned, after.target, after.generation], [0, [], [], 1])
  assert.equal(answered(after, before, answer(4, 0)), after)
  assert.equal(owning(after, 0, [partition(0)]), after)
})

test('a member joins again where it is not known, waits where it may help, and else gives up', () => {
  for (const code of [40406, 40907]) assert.equal(reactionTo(refused(409, code)), 'rejoin')
  for (const error of [noAnswer('cut'), refused(503), refused(429)]) assert.equal(reactionTo(error), 'again')
  for (const error of [refused(401), refused(409, 40908), refused(400), new Error()]) {
    assert.equal(reactionTo(error), 'fail')
  }
})
