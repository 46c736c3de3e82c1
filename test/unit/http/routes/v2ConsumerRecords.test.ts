import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startConsumers, valuesOf } from '../../../support/consumerCalls.ts'

const accept = (format: string) => ({ accept: `application/vnd.kafka.${format}.v2+json` })

test('one instance is answered by two processes in turn, each record once, with timestamp and headers', async () => {
  const { create, produce, failures } = await startConsumers()
  const { subscribe, poll } = await create('i')
  await subscribe('t', 'u')
  const seen: string[] = []
  for (let round = 0; round < 10; round++) {
    await produce('t', [round % 2, String(round)])
    await produce('u', [0, String(round)])
    seen.push(...valuesOf(await poll()), ...valuesOf(await poll()))
  }
  const expected = Array.from({ length: 10 }, (_, round) => [
    `t-${round % 2}:${round}`,
    `u-0:${round}`,
  ]).flat()
  assert.deepEqual(seen.sort(), expected.sort())
  await produce('t', [1, '{ "a": [1.5] }'])
  const [record] = await poll()
  const place = { topic: 't', partition: 1, offset: 5 }
  const headers = [{ key: 'h', value: 'eA==' }]
  assert.deepEqual(record, { ...place, key: null, value: { a: [1.5] }, timestamp: 1000, headers })
  assert.deepEqual(failures(), [])
})

test('polls at once never answer the same record twice, and none is lost', async () => {
  const { create, produce } = await startConsumers()
  const { subscribe, ask } = await create('i')
  await subscribe('t')
  await produce('t', ...Array.from({ length: 60 }, (_, index) => [index % 2, String(index)] as const))
  const seen: string[] = []
  let conflicts = 0
  for (let round = 0; round < 100 && seen.length < 60; round++) {
    const poll = () => ask('GET', '/records?timeout=0&max_bytes=6')
    for (const { status, body } of await Promise.all([poll(), poll(), poll()])) {
      if (status === 200) seen.push(...valuesOf(body))
      else conflicts += status === 409 ? 1 : 1000
    }
  }
  assert.ok(conflicts < 1000)
  assert.deepEqual(new Set(seen).size, seen.length)
  assert.equal(seen.length, 60)
})

test('a first poll answers records at once, and later where another instance has to give partitions up', async () => {
  const { create, produce } = await startConsumers()
  await produce('t', [0, 'true'], [1, 'true'])
  const first = await create('first')
  await first.subscribe('t')
  assert.deepEqual(valuesOf(await first.poll()), ['t-0:true', 't-1:true'])
  await first.done('POST', '/offsets')
  const second = await create('second', { 'consumer.request.timeout.ms': 60_000 })
  await second.subscribe('t')
  assert.deepEqual(await second.assigned(), [])
  const polled = second.poll('timeout=60000')
  await first.poll()
  await first.poll()
  assert.equal((await first.assigned()).length, 1)
  await produce('t', [0, 'false'], [1, 'false'])
  assert.equal((await polled).length, 1)
  assert.equal((await first.poll()).length, 1)
  assert.deepEqual([...(await first.assigned()), ...(await second.assigned())].sort(), ['t-0', 't-1'])
})

test('the next owner goes on where the last one committed', async () => {
  const { create, produce } = await startConsumers()
  await produce('t', [0, '1'], [0, '2'], [1, '3'])
  const first = await create('first')
  await first.subscribe('t')
  await first.poll()
  await first.done('POST', '/offsets')
  await produce('t', [0, '4'])
  assert.deepEqual(valuesOf(await first.poll()), ['t-0:4'])
  await first.done('DELETE', '')
  const second = await create('second')
  await second.subscribe('t')
  assert.deepEqual(valuesOf(await second.poll()), ['t-0:4'])
})

test('keys and values are shown in the format of the instance, which Accept has to allow', async () => {
  const { create, cluster } = await startConsumers()
  const bytes = Buffer.from('"é"')
  await cluster.produceRecords('u', [{ partition: 0, timestamp: 1, key: bytes, value: bytes, headers: [] }])
  const shown = { binary: bytes.toString('base64'), json: 'é', text: '"é"' } as const
  for (const [format, text] of Object.entries(shown)) {
    const { ask, subscribe } = await create(format, { format }, format)
    await subscribe('u')
    for (const other of ['binary', 'json', 'text', 'avro']) {
      if (other === format) continue
      const refused = await ask('GET', '/records', undefined, accept(other))
      assert.deepEqual([refused.status, refused.body.error_code], [406, format === 'text' ? 406 : 40601])
    }
    const { body, headers } = await ask('GET', '/records', undefined, accept(format))
    assert.equal(headers.get('content-type'), accept(format).accept)
    assert.deepEqual([body[0].key, body[0].value], [text, text])
  }
})

test('a generic Accept takes whatever the format is', async () => {
  const { create, produce } = await startConsumers()
  const { ask, subscribe } = await create('i', { format: 'binary' })
  await subscribe('u')
  await produce('u', [0, 'x'])
  for (const header of [
    '*/*',
    'application/json',
    'text/html, application/*',
    'application/vnd.kafka.v2+json',
  ]) {
    const { status, headers } = await ask('GET', '/records?timeout=0', undefined, { accept: header })
    assert.deepEqual([status, headers.get('content-type')], [200, accept('binary').accept], header)
  }
  const refused = await ask('GET', '/records', undefined, { accept: 'text/html' })
  assert.equal(refused.body.error_code, 40601)
})

test('a record that cannot be shown ends the answer before it and refuses the poll that begins with it', async () => {
  const { create, produce } = await startConsumers()
  await produce('u', [0, '1'], [0, 'no json'], [0, '2'])
  for (const [name, changes, status, code] of [
    ['i', {}, 408, 40801],
    ['s', { 'auto.commit.enable': undefined, 'enable.auto.commit': false }, 406, 406],
  ] as const) {
    const { ask, done, subscribe, poll } = await create(name, changes, name)
    await subscribe('u')
    assert.deepEqual(valuesOf(await poll()), ['u-0:1'])
    const refused = await ask('GET', '/records')
    assert.deepEqual([refused.status, refused.body.error_code], [status, code])
    assert.match(refused.body.message, /offset 1/)
    await done('POST', '/positions', { offsets: [{ topic: 'u', partition: 0, offset: 2 }] })
    assert.deepEqual(valuesOf(await poll()), ['u-0:2'])
  }
})

test('an instance that cannot be shown its records gives partitions up all the same', async () => {
  const { create, produce } = await startConsumers()
  await produce('t', [0, 'no json'], [1, 'no json'])
  const first = await create('first')
  await first.subscribe('t')
  const second = await create('second')
  await second.subscribe('t')
  // Once by each process: one of them has yet to hear of the second instance.
  for (let asked = 0; asked < 2; asked++) assert.equal((await first.ask('GET', '/records')).status, 408)
  assert.equal((await second.ask('GET', '/records')).status, 408)
  assert.deepEqual([(await first.assigned()).length, (await second.assigned()).length], [1, 1])
})

test('max_bytes bounds keys and values, and a larger record comes alone', async () => {
  const { create, produce } = await startConsumers()
  await produce('u', [0, '1'], [0, '22'], [0, '333'], [0, '4444'])
  const { subscribe, poll } = await create('i')
  await subscribe('u')
  const pages = []
  for (let page = 0; page < 4; page++) pages.push(valuesOf(await poll('timeout=0&max_bytes=3')))
  assert.deepEqual(pages, [['u-0:1', 'u-0:22'], ['u-0:333'], ['u-0:4444'], []])
})

test('a poll waits for records as long as both the request and the instance allow', async () => {
  const { create, produce, clock } = await startConsumers()
  const { subscribe, poll } = await create('i', { 'consumer.request.timeout.ms': 20_000 })
  await subscribe('t', 'u')
  const waited = async (query: string) => {
    const before = clock.now()
    const records = await poll(query)
    return [records.length, clock.now() - before]
  }
  assert.deepEqual(await waited('timeout=300'), [0, 300])
  assert.deepEqual(await waited(''), [0, 20_000])
  assert.deepEqual(await waited('timeout=90000'), [0, 20_000])
  const waiting = poll('timeout=15000')
  await clock.sleep(7000)
  await produce('u', [0, '1'])
  assert.deepEqual(valuesOf(await waiting), ['u-0:1'])
})

test('fewer bytes than fetch.min.bytes are waited for as long as the dialect has it', async () => {
  const { create, produce, clock } = await startConsumers()
  await produce('u', [0, '1'])
  for (const [name, changes, waitedMs] of [
    ['confluent', {}, 3000],
    ['strimzi', { 'auto.commit.enable': undefined, 'enable.auto.commit': false }, 500],
  ] as const) {
    const more = { ...changes, 'fetch.min.bytes': 512, 'consumer.request.timeout.ms': 3000 }
    const { subscribe, poll } = await create(name, more, name)
    await subscribe('u')
    const before = clock.now()
    assert.deepEqual(valuesOf(await poll('')), ['u-0:1'])
    assert.equal(clock.now() - before, waitedMs, name)
  }
})

test('where nothing is committed auto.offset.reset says where to begin', async () => {
  const { create, produce } = await startConsumers()
  await produce('u', [0, '1'])
  const begin = async (reset: string) => {
    const calls = await create(reset, { 'auto.offset.reset': reset }, reset)
    await calls.subscribe('u')
    return calls
  }
  const earliest = await begin('earliest')
  assert.deepEqual(valuesOf(await earliest.poll()), ['u-0:1'])
  const latest = await begin('latest')
  assert.deepEqual(valuesOf(await latest.poll()), [])
  await produce('u', [0, '2'])
  assert.deepEqual(valuesOf(await latest.poll()), ['u-0:2'])
  const none = await begin('none')
  const refused = await none.ask('GET', '/records')
  assert.deepEqual([refused.status, refused.body.error_code], [416, 416])
})

test('a position that the log has passed is set anew, as auto.offset.reset says', async () => {
  const { create, produce, cluster } = await startConsumers()
  await produce('u', [0, '1'], [0, '2'], [0, '3'])
  const { subscribe, poll, done } = await create('i')
  await subscribe('u')
  await poll()
  await done('POST', '/positions/beginning', { partitions: [{ topic: 'u', partition: 0 }] })
  await cluster.deleteRecords('u', 0, 2)
  assert.deepEqual(valuesOf(await poll('timeout=100')), ['u-0:3'])
})

test('a topic that is deleted is read no more, and its namesake from the beginning', async () => {
  const { create, produce, cluster, clock } = await startConsumers()
  const { subscribe, poll, assigned } = await create('i')
  await subscribe('t', 'u')
  await produce('u', [0, '1'])
  await poll()
  await cluster.deleteTopic('u')
  await produce('t', [0, '2'])
  assert.deepEqual(valuesOf(await poll('timeout=10000')), ['t-0:2'])
  clock.advance(10_000)
  await poll()
  assert.deepEqual(await assigned(), ['t-0', 't-1'])
  await cluster.createTopic({ name: 'u', partitionCount: 1, configs: [], validateOnly: false })
  await produce('u', [0, '3'])
  clock.advance(10_000)
  assert.deepEqual(valuesOf(await poll('timeout=1000')), ['u-0:3'])
})

test('who has only partitions that are gone waits all the same', async () => {
  const { create, cluster, clock } = await startConsumers()
  const { done, poll } = await create('i')
  await done('POST', '/assignments', { partitions: [{ topic: 'u', partition: 0 }] })
  await poll()
  await cluster.deleteTopic('u')
  const before = clock.now()
  assert.deepEqual(await poll('timeout=900'), [])
  assert.equal(clock.now() - before, 900)
})

test('partitions by hand are read without a group', async () => {
  const { call, create, produce } = await startConsumers()
  const { done, poll } = await create('i')
  const partitions = [{ topic: 't', partition: 1 }]
  await done('POST', '/assignments', { partitions })
  await produce('t', [0, '0'], [1, '1'])
  assert.deepEqual(valuesOf(await poll()), ['t-1:1'])
  assert.deepEqual((await call('GET', '/v3/clusters/local/consumer-groups')).body.data, [])
  await done('POST', '/assignments', { partitions: [...partitions, { topic: 't', partition: 0 }] })
  assert.deepEqual(valuesOf(await poll()), ['t-0:0'])
})

test('a HEAD takes no records', async () => {
  const { create, produce } = await startConsumers()
  const { ask, subscribe, poll } = await create('i')
  await subscribe('u')
  await produce('u', [0, '1'])
  assert.equal((await ask('HEAD', '/records')).status, 405)
  assert.deepEqual(valuesOf(await poll()), ['u-0:1'])
})

test('who reads nothing cannot poll', async () => {
  const { create } = await startConsumers()
  const { ask } = await create('i')
  const { status, body } = await ask('GET', '/records')
  assert.deepEqual([status, body.error_code], [409, 40903])
  assert.equal((await ask('GET', '/records?timeout=-1')).status, 400)
})

test('a poll with records costs one table write, an empty one none', async () => {
  const { create, produce, counting } = await startConsumers()
  const { subscribe, poll } = await create('i')
  await subscribe('t')
  // So that both processes know the group and the topic.
  for (let warm = 0; warm < 4; warm++) await poll()
  await produce('t', [0, '1'])
  const full = await counting.during(() => poll())
  assert.equal(full.tableWrites, 1)
  const empty = await counting.during(() => poll())
  assert.equal(empty.tableWrites, 0)
  // The instance, the sequencer of the topic, and the records themselves, which are few enough to lie in the table.
  assert.equal(full.tableReads, 3)
  assert.equal(empty.tableReads, 2)
})

test('what was polled is committed by itself five seconds later, by the poll that asks for more', async () => {
  const { create, produce, clock, call, counting } = await startConsumers()
  const { subscribe, poll, done } = await create('i', { 'auto.commit.enable': 'true' })
  const committed = async () => {
    const { body } = await call('GET', '/v3/clusters/local/consumer-groups/g/offsets')
    return body.offsets.map(
      (one: { partition_id: number; offset: number }) => `${one.partition_id}:${one.offset}`,
    )
  }
  await subscribe('t')
  await produce('t', [0, '1'], [0, '2'])
  await poll()
  await poll()
  assert.deepEqual(await committed(), [])
  clock.advance(5000)
  await produce('t', [0, '3'])
  await poll()
  // Not the record of this poll: nobody has processed it yet.
  assert.deepEqual(await committed(), ['0:2', '1:0'])
  clock.advance(5000)
  const cost = await counting.during(() => poll())
  // The offsets, and that they are committed.
  assert.equal(cost.tableWrites, 2)
  assert.deepEqual(await committed(), ['0:3', '1:0'])
  await produce('t', [1, '4'])
  await poll()
  await done('DELETE', '')
  assert.deepEqual(await committed(), ['0:3', '1:1'])
})
