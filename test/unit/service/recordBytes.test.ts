// What a record counts for quotas, limits and meters, against what it takes in a batch.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRecords } from '../../../shared/kafka/encodeRecords.ts'
import { bytesOfRecords } from '../../../shared/service/recordBytes.ts'

const bytes = (length: number) => new Uint8Array(length)
const nothing = { partition: 0, key: null, value: null, headers: [] }

const stored = (records: Parameters<typeof bytesOfRecords>[0]) => {
  const encoded = records.map((record) => ({ ...record, timestamp: 0 }))
  return encodeRecords(encoded, { baseTimestamp: 0 }).length
}

test('a small record counts for what it takes, one without any data too', () => {
  for (const record of [
    nothing,
    { ...nothing, key: bytes(0), value: bytes(1) },
    { ...nothing, value: bytes(9), headers: [{ key: '', value: null }] },
    {
      ...nothing,
      headers: [
        { key: 'a', value: bytes(3) },
        { key: 'ü', value: null },
      ],
    },
  ]) {
    assert.equal(bytesOfRecords([record]), stored([record]))
  }
})

test('a hundred thousand records without data count for most of what they take', () => {
  const records = Array.from({ length: 100_000 }, () => nothing)
  assert.ok(bytesOfRecords(records) <= stored(records))
  assert.ok(bytesOfRecords(records) > stored(records) * 0.7)
})
