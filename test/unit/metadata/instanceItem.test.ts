import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  instanceAttributes,
  parseInstanceItem,
  type StoredInstance,
  tokenOf,
} from '../../../shared/metadata/instanceItem.ts'

const key = { pk: 'p', sk: 's' }

const stored: StoredInstance = {
  dialect: 'strimzi',
  format: 'text',
  autoOffsetReset: 'earliest',
  autoCommit: true,
  fetchMinBytes: 1,
  requestTimeoutMs: 30_000,
  memberId: 'm1',
  memberEpoch: 4,
  usedMs: 1_700_000_000_000,
  committedMs: 1_700_000_000_001,
  reads: 'topics',
  topics: ['orders', 'é'],
  pattern: undefined,
  places: new Map([
    ['orders', new Map([[0, { position: 7, committed: 5 }]])],
    [
      'é',
      new Map([
        [3, { position: -1, committed: -1 }],
        [200, { position: 2 ** 40, committed: -1 }],
      ]),
    ],
  ]),
}

test('an instance that was stored before can still be read', () => {
  const partitions = Buffer.from(
    '0c6f7264657273' + '02000e0a' + '04c3a9' + '04060101' + '900380808080804001',
    'hex',
  )
  const attributes = {
    token: 't',
    member: 'm1',
    epoch: 4,
    dialect: 'strimzi',
    format: 'text',
    reset: 'earliest',
    commits: 1,
    minBytes: 1,
    waitMs: 30_000,
    used: 1_700_000_000_000,
    committed: 1_700_000_000_001,
    reads: 'topics',
    topics: ['orders', 'é'],
    partitions,
  }
  const now = instanceAttributes(stored, 't')
  assert.deepEqual({ ...now, partitions: Buffer.from(now.partitions as Uint8Array) }, attributes)
  assert.deepEqual(
    parseInstanceItem({ key, attributes: { ...attributes, partitions: new Uint8Array(partitions) } }),
    stored,
  )
})

test('what is stored is what is read, whatever the places', () => {
  const offset = fc.oneof(fc.constant(-1), fc.maxSafeNat())
  const place = fc.record({ position: offset, committed: offset }, { noNullPrototype: true })
  const partitions = fc.array(fc.tuple(fc.nat(2 ** 31 - 1), place), { maxLength: 20 })
  const places = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), partitions), { maxLength: 5 })
  fc.assert(
    fc.property(places, fc.option(fc.string(), { nil: undefined }), (list, pattern) => {
      const instance = {
        ...stored,
        pattern,
        places: new Map(list.map(([name, some]) => [name, new Map(some)])),
      }
      const item = { key, attributes: instanceAttributes(instance, 'x') }
      assert.equal(tokenOf(item), 'x')
      assert.deepEqual(parseInstanceItem(item), instance)
    }),
  )
})

test('ten thousand partitions of long names stay within a table item', () => {
  const partitions = new Map(
    Array.from({ length: 1000 }, (_, partition) => [partition, { position: 2 ** 52, committed: 2 ** 52 }]),
  )
  const names = Array.from({ length: 10 }, (_, index) => `${index}`.padStart(249, 'x'))
  const places = new Map(names.map((name) => [name, partitions]))
  const { partitions: packed } = instanceAttributes({ ...stored, places }, 't')
  assert.ok(packed instanceof Uint8Array && packed.length < 250_000, `${packed}`.slice(0, 20))
})

test('an item of another shape stops', () => {
  const attributes = instanceAttributes(stored, 't')
  for (const change of [{ dialect: 'other' }, { member: 5 }, { partitions: 'x' }, { reads: 'all' }]) {
    assert.throws(
      () => parseInstanceItem({ key, attributes: { ...attributes, ...change } }),
      /broken invariant/,
    )
  }
})
