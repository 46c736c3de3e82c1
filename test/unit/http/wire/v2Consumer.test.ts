import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../../shared/base/errors.ts'
import { errorBody } from '../../../../shared/http/errors.ts'
import {
  parseCommit,
  parseNewConsumer,
  parsePartitions,
  parsePositions,
  parseSubscription,
} from '../../../../shared/http/wire/v2Consumer.ts'

const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
const codeOf = (parse: (body: Uint8Array) => unknown, body: unknown): number => {
  try {
    parse(bytes(body))
  } catch (error) {
    assert.ok(error instanceof KafkaError, String(error))
    return errorBody(error, 'v2').error_code
  }
  assert.fail(`accepted: ${JSON.stringify(body)}`)
}

test("a consumer without a word has Confluent's defaults", () => {
  for (const body of ['', {}, { name: '', format: null, 'fetch.min.bytes': -1 }]) {
    assert.deepEqual(parseNewConsumer(bytes(body)), {
      name: undefined,
      settings: {
        dialect: 'confluent',
        format: 'binary',
        autoOffsetReset: 'latest',
        autoCommit: true,
        fetchMinBytes: 1,
        requestTimeoutMs: 1000,
      },
    })
  }
})

test("Confluent's strings are taken for the booleans and numbers they hold", () => {
  const body = {
    name: 'i',
    format: 'json',
    'auto.offset.reset': 'earliest',
    'auto.commit.enable': 'false',
    'fetch.min.bytes': '30000',
    'consumer.request.timeout.ms': '5000',
  }
  const settings = {
    dialect: 'confluent',
    format: 'json',
    autoOffsetReset: 'earliest',
    autoCommit: false,
    fetchMinBytes: 30_000,
    requestTimeoutMs: 5000,
  }
  assert.deepEqual(parseNewConsumer(bytes(body)), { name: 'i', settings })
})

test("a field or the format of Strimzi's makes an instance of Strimzi's dialect", () => {
  const dialectOf = (body: unknown) => parseNewConsumer(bytes(body)).settings.dialect
  assert.equal(dialectOf({ 'auto.commit.enable': 'true', format: 'json' }), 'confluent')
  for (const body of [
    { 'enable.auto.commit': true },
    { 'isolation.level': 'read_committed' },
    { format: 'text' },
  ]) {
    assert.equal(dialectOf(body), 'strimzi', JSON.stringify(body))
  }
  const text = parseNewConsumer(bytes({ format: 'text', 'auto.commit.enable': 'false' }))
  assert.equal(text.settings.autoCommit, false)
  const { settings } = parseNewConsumer(bytes({ 'enable.auto.commit': false }))
  assert.deepEqual([settings.autoCommit, settings.requestTimeoutMs], [false, 30_000])
})

test("settings that are none are refused with Confluent's codes, and for Strimzi with the status", () => {
  const cases = [
    [{ format: 'avro' }, 42204],
    [{ format: 5 }, 42204],
    [{ name: 5 }, 42204],
    [{ 'auto.offset.reset': 'middle' }, 42204],
    [{ 'auto.commit.enable': 'maybe' }, 42204],
    [{ 'fetch.min.bytes': 1.5 }, 42204],
    [{ 'fetch.min.bytes': '1e3' }, 42204],
    [{ 'fetch.min.bytes': -2 }, 40001],
    [{ 'fetch.min.bytes': 10_000_001 }, 40001],
    [{ 'consumer.request.timeout.ms': 2 ** 31 }, 40001],
    [{ 'isolation.level': 'read_some' }, 422],
    [{ 'enable.auto.commit': 1 }, 422],
    [{ format: 'text', 'fetch.min.bytes': -2 }, 400],
    [{ group: 'g' }, 422],
    [[], 422],
    ['{', 400],
  ] as const
  for (const [body, code] of cases) assert.equal(codeOf(parseNewConsumer, body), code, JSON.stringify(body))
})

test('a subscription is to topics or to a pattern; to no topics it is none', () => {
  assert.deepEqual(parseSubscription(bytes({ topics: ['a', 'b'] })), { reads: 'topics', topics: ['a', 'b'] })
  assert.deepEqual(parseSubscription(bytes({ topic_pattern: 'a.*' })), { reads: 'pattern', pattern: 'a.*' })
  assert.equal(parseSubscription(bytes({ topics: [] })), undefined)
  const cases = [
    [{ topics: ['a'], topic_pattern: 'a' }, 40903],
    [{}, 422],
    ['', 422],
    [{ topics: 'a' }, 422],
    [{ topics: [5] }, 422],
    [{ topics: [''] }, 422],
    [{ topic_pattern: '' }, 422],
    [{ topic_pattern: 5 }, 422],
    [{ topics: ['a'], group: 'g' }, 422],
    [{ topics: Array.from({ length: 10_001 }, () => 'a') }, 422],
  ] as const
  for (const [body, code] of cases) assert.equal(codeOf(parseSubscription, body), code)
})

test('partitions are named by topic and number', () => {
  const place = { topicName: 't', partition: 1 }
  assert.deepEqual(parsePartitions(bytes({ partitions: [{ topic: 't', partition: 1 }] })), [place])
  const one = { topic: 't', partition: 0 }
  const cases = [
    {},
    { partitions: one },
    { partitions: [5] },
    { partitions: [{ topic: 't' }] },
    { partitions: [{ ...one, partition: -1 }] },
    { partitions: [{ ...one, partition: 2 ** 31 }] },
    { partitions: [{ ...one, partition: '0' }] },
    { partitions: [{ ...one, offset: 1 }] },
  ]
  for (const body of cases) assert.equal(codeOf(parsePartitions, body), 422, JSON.stringify(body))
})

test("a commit is of offsets, of Redpanda's partitions, or of whatever was polled", () => {
  const place = { topic: 't', partition: 1, offset: 5 }
  const parsed = { topicName: 't', partition: 1, offset: 5, leaderEpoch: -1 }
  assert.equal(parseCommit(bytes('')), undefined)
  assert.equal(parseCommit(bytes({})), undefined)
  assert.deepEqual(parseCommit(bytes({ offsets: [{ ...place, metadata: 'm' }] })), {
    offsets: [{ ...parsed, metadata: 'm' }],
    exact: false,
  })
  assert.deepEqual(parseCommit(bytes({ partitions: [place] })), {
    offsets: [{ ...parsed, metadata: '' }],
    exact: true,
  })
  for (const change of [
    { offset: -2 },
    { offset: 1.5 },
    { offset: 2 ** 53 },
    { metadata: 5 },
    { extra: 1 },
  ]) {
    assert.equal(codeOf(parseCommit, { offsets: [{ ...place, ...change }] }), 422, JSON.stringify(change))
  }
})

test('positions are offsets and times', () => {
  const body = {
    offsets: [{ topic: 't', partition: 0, offset: 5 }],
    timestamps: [
      { topic: 't', partition: 1, timestamp: '2021-02-05T19:14:42Z' },
      { topic: 't', partition: 2, timestamp: 1000 },
    ],
  }
  assert.deepEqual(parsePositions(bytes(body)), [
    { topicName: 't', partition: 0, to: 5 },
    { topicName: 't', partition: 1, to: { kind: 'timestamp', timestamp: 1_612_552_482_000 } },
    { topicName: 't', partition: 2, to: { kind: 'timestamp', timestamp: 1000 } },
  ])
  const cases = [
    {},
    { offsets: [{ topic: 't', partition: 0, offset: -1 }] },
    { timestamps: [{ topic: 't', partition: 0, timestamp: 'yesterday' }] },
    { timestamps: [{ topic: 't', partition: 0, timestamp: -5 }] },
  ]
  for (const one of cases) assert.equal(codeOf(parsePositions, one), 422, JSON.stringify(one))
})
