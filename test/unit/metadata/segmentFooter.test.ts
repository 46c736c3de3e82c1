import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../shared/base/errors.ts'
import {
  decodeSegmentFooter,
  encodeSegmentFooter,
  type SegmentFooter,
  segmentFooterBytesMax,
} from '../../../shared/metadata/segmentFooter.ts'

const topicId = Buffer.from('0123456789abcdef').toString('base64url')

const footer = (chunkCount: number): SegmentFooter => {
  const chunks = Array.from({ length: chunkCount }, (_, i) => ({
    storage: 'segment' as const,
    objectId: '0123456789abcdef0123456789abcdef',
    position: i * 1_000_000,
    length: 1_000_000,
    baseOffset: 50 + i * 1000,
    offsetCount: 1000,
    maxTimestamp: 1_700_000_000_000 + i,
    producerBatches: [],
  }))
  const endOffset = 50 + chunkCount * 1000
  return {
    topicId,
    partition: 1535,
    baseOffset: 50,
    endOffset,
    recordCount: 4_000_000_000,
    batchCount: 77,
    crcSum: 0xfffffffe,
    chunks,
  }
}

test('a footer comes back as it was written, also from behind the batches', () => {
  for (const chunkCount of [1, 2, 64, 500]) {
    const bytes = encodeSegmentFooter(footer(chunkCount))
    assert.ok(bytes.length < segmentFooterBytesMax)
    assert.deepEqual(decodeSegmentFooter(bytes), footer(chunkCount))
    const object = Buffer.concat([Buffer.alloc(1000, 7), bytes])
    assert.deepEqual(decodeSegmentFooter(object), footer(chunkCount))
  }
})

test('partition numbers beyond 32767 come back', () => {
  const one = { ...footer(1), partition: 40_000 }
  assert.equal(decodeSegmentFooter(encodeSegmentFooter(one)).partition, 40_000)
})

test('bytes that are no footer are refused, whatever they are', () => {
  const whole = encodeSegmentFooter(footer(3))
  const refused = (bytes: Uint8Array) => {
    try {
      decodeSegmentFooter(bytes)
    } catch (error) {
      assert.ok(error instanceof KafkaError, String(error))
      assert.equal(error.code, 'KAFKA_STORAGE_ERROR')
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refused), { seed: 3 })
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
      const damaged = whole.slice()
      damaged[at] = value
      refused(damaged)
    }),
    { seed: 3, numRuns: 1000 },
  )
  for (let length = 0; length < whole.length; length++) refused(whole.subarray(0, length))
  for (let start = 1; start < whole.length; start++) {
    assert.throws(() => decodeSegmentFooter(whole.subarray(start)), KafkaError)
  }
})
