import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../support/call.ts'
import { createTestApp } from '../../support/testCluster.ts'

interface Read {
  readonly partition_id: number
  readonly next_offset: number
  readonly records: readonly {
    readonly offset: number
    readonly value: unknown
    readonly exceeded_fields: unknown
  }[]
}

/** Records with the values 0 to 9 in each of two partitions, one batch each, a second apart. */
async function createFilled() {
  const { app, cluster } = createTestApp()
  await cluster.createTopic({ name: 't', partitionCount: 2, configs: [], validateOnly: false })
  const startMs = Date.now() - 100_000
  for (let n = 0; n < 10; n++) {
    const record = { timestamp: startMs + n * 1000, key: null, value: Buffer.from(String(n)), headers: [] }
    await cluster.produceRecords('t', [
      { ...record, partition: 0 },
      { ...record, partition: 1 },
    ])
  }
  const call = createCall(app, '/v3/clusters/local/topics/t')
  const consume = async (body: unknown): Promise<readonly Read[]> => {
    const answer = await call('POST', '/partitions/-/consume', body)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body.partition_data_list
  }
  return { cluster, call, consume, startMs }
}

const summary = (reads: readonly Read[]) =>
  reads.map(({ partition_id, next_offset, records }) => [
    partition_id,
    records.map(({ offset }) => offset),
    next_offset,
  ])

const upTo = (n: number, from = 0) => Array.from({ length: n - from }, (_, index) => from + index)

test('from_beginning begins at the log start, false and nothing at all at the end', async () => {
  const { consume } = await createFilled()
  assert.deepEqual(summary(await consume({ from_beginning: true })), [
    [0, upTo(10), 10],
    [1, upTo(10), 10],
  ])
  for (const body of [{ from_beginning: false }, {}, { from_beginning: null, offsets: [] }]) {
    assert.deepEqual(summary(await consume(body)), [
      [0, [], 10],
      [1, [], 10],
    ])
  }
})

test('offsets name the partitions that are read', async () => {
  const { consume } = await createFilled()
  const offsets = [{ partition_id: 1, offset: 7 }]
  assert.deepEqual(summary(await consume({ offsets })), [[1, [7, 8, 9], 10]])
  assert.deepEqual(summary(await consume({ offsets, from_beginning: true })), [[1, upTo(10), 10]])
})

test('a timestamp begins at the first record of that time or later, else at the end', async () => {
  const { consume, startMs } = await createFilled()
  const reads = summary(await consume({ timestamp: startMs + 7500 }))
  assert.deepEqual(reads, [
    [0, [8, 9], 10],
    [1, [8, 9], 10],
  ])
  assert.deepEqual(summary(await consume({ timestamp: startMs + 1_000_000 })), [
    [0, [], 10],
    [1, [], 10],
  ])
})

test('an offset below the log start is moved up to it, one beyond the end is refused', async () => {
  const { cluster, call, consume } = await createFilled()
  await cluster.deleteRecords('t', 1, 6)
  const offsets = [
    { partition_id: 0, offset: 8 },
    { partition_id: 1, offset: 2 },
  ]
  assert.deepEqual(summary(await consume({ offsets })), [
    [0, [8, 9], 10],
    [1, [6, 7, 8, 9], 10],
  ])
  const beyond = await call('POST', '/partitions/-/consume', { offsets: [{ partition_id: 0, offset: 11 }] })
  assert.equal(beyond.status, 416)
})

test('reading on from next_offset shows every record once, however small the limits', async () => {
  const { consume } = await createFilled()
  for (const limits of [
    { max_poll_records: 1 },
    { max_poll_records: 3 },
    { fetch_max_bytes: 1 },
    { max_poll_records: 0 },
  ]) {
    const seen: unknown[][] = [[], []]
    let offsets = [
      { partition_id: 0, offset: 0 },
      { partition_id: 1, offset: 0 },
    ]
    for (let round = 0; offsets.some(({ offset }) => offset < 10); round++) {
      assert(round < 25, 'there is progress')
      const reads = await consume({ ...limits, offsets })
      for (const { partition_id, records } of reads)
        seen[partition_id]?.push(...records.map(({ value }) => value))
      offsets = reads.map(({ partition_id, next_offset }) => ({ partition_id, offset: next_offset }))
    }
    assert.deepEqual(seen, [upTo(10), upTo(10)])
  }
})

test('values beyond message_max_bytes are left out and named', async () => {
  const { consume } = await createFilled()
  const [first] = await consume({ from_beginning: true, message_max_bytes: 0 })
  assert.deepEqual(first?.records[0], {
    ...first?.records[0],
    value: null,
    exceeded_fields: { key: false, value: true },
  })
})

test('with max_wait_ms a reader at the end waits for records, and not longer', async () => {
  const { cluster, consume } = await createFilled()
  const offsets = [0, 1].map((partition_id) => ({ partition_id, offset: 10 }))
  assert.deepEqual(summary(await consume({ offsets, max_wait_ms: 20 })), [
    [0, [], 10],
    [1, [], 10],
  ])
  const waiting = consume({ offsets, max_wait_ms: 10_000 })
  await cluster.produceRecords('t', [{ partition: 1, key: null, value: Buffer.from('late'), headers: [] }])
  assert.deepEqual(summary(await waiting), [
    [0, [], 10],
    [1, [10], 11],
  ])
})

test('as BASE64 keys, values and headers are their bytes, and null is null', async () => {
  const { cluster, consume } = await createFilled()
  const value = Buffer.from([0, 255, 10])
  const headers = [
    { key: 'text', value: Buffer.from('1') },
    { key: 'none', value: null },
  ]
  await cluster.produceRecords('t', [{ partition: 0, key: null, value, headers }])
  const offsets = [{ partition_id: 0, offset: 10 }]
  const [read] = await consume({ offsets, data_format: 'BASE64' })
  assert.deepEqual(read?.records[0], {
    ...read?.records[0],
    key: null,
    value: value.toString('base64'),
    headers: [
      { key: 'text', value: 'MQ==' },
      { key: 'none', value: null },
    ],
    metadata: { key_metadata: null, value_metadata: { data_format: 'BASE64' } },
  })
})

test('each partition says where its log begins and ends', async () => {
  const { cluster, consume } = await createFilled()
  await cluster.deleteRecords('t', 1, 6)
  const offsets = [{ partition_id: 1, offset: 0 }]
  const [read] = await consume({ offsets, from_beginning: false, max_poll_records: 0 })
  assert.deepEqual(read, {
    partition_id: 1,
    next_offset: 10,
    log_start_offset: 6,
    high_watermark: 10,
    records: [],
  })
})

test('unknown partitions and topics are 404, fields of the wrong type 400 with their name', async () => {
  const { call } = await createFilled()
  const consume = (body: unknown) => call('POST', '/partitions/-/consume', body)
  assert.equal((await consume({ offsets: [{ partition_id: 2, offset: 0 }] })).status, 404)
  for (const body of [
    { max_poll_records: 'x' },
    { offsets: [{ partition_id: 0, offset: -1 }] },
    { timestamp: 1.5 },
    [],
  ]) {
    const answer = await consume(body)
    assert.equal(answer.status, 400)
    assert.match(answer.body.message, /^Request body/)
  }
  assert.equal((await consume('{')).status, 400)
  const { app } = createTestApp()
  assert.equal(
    (await createCall(app)('POST', '/v3/clusters/local/topics/t/partitions/-/consume', {})).status,
    404,
  )
})
