// Which quota holds for whom, as Kafka documents it, and the arithmetic of waiting.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  checkAlteration,
  type EntityQuotas,
  findQuota,
  indexQuotas,
  matchesQuotaFilter,
  type QuotaEntity,
} from '../../../shared/quotas/entity.ts'
import { fullBucket, refill, throttleMs, windowMs } from '../../../shared/quotas/tokenBucket.ts'

/** From the most specific to the least; each with who counts together under it. */
const levels: readonly (readonly [QuotaEntity, string])[] = [
  [{ user: 'alice', clientId: 'app' }, '{"user":"alice","clientId":"app"}'],
  [{ user: 'alice', clientId: null }, '{"user":"alice","clientId":"app"}'],
  [{ user: 'alice' }, '{"user":"alice"}'],
  [{ user: null, clientId: 'app' }, '{"user":"alice","clientId":"app"}'],
  [{ user: null, clientId: null }, '{"user":"alice","clientId":"app"}'],
  [{ user: null }, '{"user":"alice"}'],
  [{ clientId: 'app' }, '{"clientId":"app"}'],
  [{ clientId: null }, '{"clientId":"app"}'],
]

const quotaAt = (level: number): EntityQuotas => ({
  entity: levels[level]?.[0] ?? {},
  values: { producer_byte_rate: 100 + level },
})
const find = (quotas: readonly EntityQuotas[], user = 'alice', clientId = 'app') =>
  findQuota(indexQuotas(quotas), 'producer_byte_rate', user, clientId)

test('of every two levels the more specific one holds, whatever it says', () => {
  for (const [level, [{ clientId }, counter]] of levels.entries()) {
    assert.deepEqual(find([quotaAt(level)]), { limit: 100 + level, counter, isOfMany: clientId === null })
    for (let below = level + 1; below < levels.length; below++) {
      assert.equal(find([quotaAt(below), quotaAt(level)])?.limit, 100 + level, `${level} over ${below}`)
    }
  }
})

test('when overrides are taken away one after the other, the next level holds each time', () => {
  for (let first = 0; first <= levels.length; first++) {
    const left = levels.map((_, level) => quotaAt(level)).slice(first)
    assert.equal(find(left)?.limit, first < levels.length ? 100 + first : undefined)
  }
})

test('a level holds for a quota only where it has that quota', () => {
  const quotas = [
    quotaAt(2),
    { entity: { user: 'alice', clientId: 'app' }, values: { consumer_byte_rate: 1 } },
  ]
  assert.equal(find(quotas)?.limit, 102)
  assert.equal(findQuota(indexQuotas(quotas), 'consumer_byte_rate', 'alice', 'app')?.limit, 1)
  assert.equal(findQuota(indexQuotas(quotas), 'request_percentage', 'alice', 'app'), undefined)
})

test('others have nothing to do with it', () => {
  for (const level of [0, 1, 2]) assert.equal(find([quotaAt(level)], 'bob'), undefined)
  for (const level of [0, 3, 6]) assert.equal(find([quotaAt(level)], 'alice', 'other'), undefined)
  // A client without a name counts as one that is called nothing.
  assert.equal(find([quotaAt(7)], 'alice', '')?.counter, '{"clientId":""}')
})

test("the wait is Kafka's (O - T) / T * W for every rate, quota and time", () => {
  const amounts = fc.record({
    limit: fc.integer({ min: 1, max: 1e9 }),
    excess: fc.double({ min: 0, max: 50, noNaN: true }),
  })
  fc.assert(
    fc.property(amounts, ({ limit, excess }) => {
      const observed = limit * (1 + excess)
      const tokens = fullBucket(limit, 0).tokens - (observed * windowMs) / 1000
      const kafka = ((observed - limit) / limit) * windowMs
      assert.ok(Math.abs(throttleMs(tokens, limit) - kafka) <= 1)
      // After that wait, and not before, the next one is admitted.
      const wait = throttleMs(tokens, limit)
      assert.ok(refill({ tokens, atMs: 0 }, limit, wait + 1).tokens >= -limit / 1000)
    }),
  )
  for (const [observed, limit, ms] of [
    [1000, 1000, 0],
    [1100, 1000, 1000],
    [2000, 1000, 10_000],
    [500, 1000, 0],
  ] as const) {
    assert.equal(throttleMs(fullBucket(limit, 0).tokens - observed * 10, limit), ms)
  }
})

test('a bucket never holds more than a window, and a clock that goes back fills nothing', () => {
  assert.equal(refill({ tokens: 0, atMs: 0 }, 5, 1e9).tokens, 50)
  assert.deepEqual(refill({ tokens: 3, atMs: 1000 }, 5, 500), { tokens: 3, atMs: 1000 })
  assert.equal(refill({ tokens: -10, atMs: 0 }, 5, 1000).tokens, -5)
})

test('filters take exact names, defaults or any, and leave the rest out where they are strict', () => {
  const alice = { kind: 'exact', name: 'alice' } as const
  const rows = [
    [{ user: 'alice' }, { user: alice, strict: true }, true],
    [{ user: 'alice', clientId: 'a' }, { user: alice, strict: true }, false],
    [{ user: 'alice', clientId: 'a' }, { user: alice, strict: false }, true],
    [{ user: null }, { user: alice, strict: false }, false],
    [{ user: null }, { user: { kind: 'default' }, strict: false }, true],
    [{ user: 'bob' }, { user: { kind: 'default' }, strict: false }, false],
    [{ user: null }, { user: { kind: 'any' }, strict: false }, true],
    [{ clientId: 'a' }, { user: { kind: 'any' }, strict: false }, false],
    [{ clientId: 'a' }, { strict: false }, true],
  ] as const
  for (const [entity, filter, expected] of rows) {
    assert.equal(matchesQuotaFilter(entity, filter), expected, JSON.stringify([entity, filter]))
  }
})

test('what could never apply is refused by its name', () => {
  const ops = [{ key: 'producer_byte_rate', value: 1 }] as const
  const refusals = [
    [{ entity: {}, ops }, /user, a client-id or both/],
    [{ entity: { user: '' }, ops }, /entity_name/],
    [{ entity: { user: 'x'.repeat(257) }, ops }, /entity_name/],
    [{ entity: { user: 'User:alice' }, ops }, /entity_name .*alice, without User:/],
    [{ entity: { user: 'a' }, ops: [...ops, ...ops] }, /once/],
    [{ entity: { user: 'a' }, ops: [{ key: 'producer_byte_rate', value: 0 }] }, /producer_byte_rate/],
    [{ entity: { user: 'a' }, ops: [{ key: 'consumer_byte_rate', value: 1.5 }] }, /whole number/],
    [{ entity: { user: 'a' }, ops: [{ key: 'request_percentage', value: Number.NaN }] }, /greater than 0/],
  ] as const
  for (const [alteration, sentence] of refusals) assert.throws(() => checkAlteration(alteration), sentence)
  checkAlteration({ entity: { user: null }, ops: [{ key: 'request_percentage', value: 12.5 }] })
})
