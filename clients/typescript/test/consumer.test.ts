import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConsumerOptions, createConsumer } from '../src/consumer.ts'
import type { ConsumerRecord } from '../src/consumerRecord.ts'
import type { TopicPartition } from '../src/topicPartition.ts'
import type { World } from '../src/world.ts'
import { placeOf, readUntil, type Service, startService } from './support.ts'

const upTo = (count: number, from = 0) => Array.from({ length: count - from }, (_, index) => index + from)
const names = (partitions: readonly TopicPartition[]) => partitions.map(({ partition }) => partition).sort()
const offsets = (records: readonly ConsumerRecord[]) => records.map(({ offset }) => offset)

async function fill(service: Service, topic: string, partitionCount: number, count: number): Promise<void> {
  await service.createTopic(topic, partitionCount)
  await append(service, topic, partitionCount, count)
}

async function append(service: Service, topic: string, partitionCount: number, count: number): Promise<void> {
  const records = upTo(partitionCount).flatMap((partition) =>
    upTo(count).map((n) => ({ partition, key: null, value: Buffer.from(`{"n":${n}}`), headers: [] })),
  )
  for (const outcome of await service.cluster.produceRecords(topic, records)) assert(outcome.ok)
}

const consumerOf = (service: Service, options: Partial<ConsumerOptions> = {}) =>
  createConsumer({
    ...service.connection,
    groupId: 'g',
    topics: ['t'],
    autoOffsetReset: 'earliest',
    ...options,
  })

async function committed(service: Service): Promise<readonly (number | undefined)[]> {
  const found = await service.cluster.groups.committedOffsets('g', undefined, undefined)
  const byPartition = new Map(found.map(({ partition, offset }) => [partition, offset]))
  return upTo(Math.max(...byPartition.keys(), -1) + 1).map((partition) => byPartition.get(partition))
}

const membersOf = async (service: Service) => (await service.cluster.groups.describeGroup('g')).members

test('records come with their bytes, keys, headers and times', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  const key = Buffer.from([0, 200])
  const headers = [
    { key: 'a', value: Buffer.from('1') },
    { key: 'a', value: null },
  ]
  await service.cluster.produceRecords('t', [
    { key, value: Buffer.from('{"n":1}'), headers, timestamp: 5 },
    { key: Buffer.from('k'), value: null, headers: [], timestamp: 6 },
  ])
  const [first, second] = await readUntil(consumerOf(service), ({ length }) => length === 2)
  assert(first !== undefined && second !== undefined)
  assert.deepEqual([first.topic, first.partition, first.offset, first.timestamp], ['t', 0, 0, 5])
  assert.deepEqual(first.key, new Uint8Array(key))
  assert.deepEqual(first.json(), { n: 1 })
  assert.equal(first.text(), '{"n":1}')
  assert.deepEqual(
    first.headers.map(({ key, value }) => [key, value && [...value]]),
    [
      ['a', [49]],
      ['a', null],
    ],
  )
  assert.deepEqual([second.keyText(), second.value, second.text(), second.json()], ['k', null, null, null])
})

test('every record of every partition comes once, in order, and new ones as they are appended', async () => {
  const service = startService()
  await fill(service, 't', 6, 500)
  const consumer = consumerOf(service, { fetchBytesMax: 10_000 })
  const reading = readUntil(consumer, ({ length }) => length === 3600)
  await service.clock.sleep(60_000)
  await append(service, 't', 6, 100)
  const records = await reading
  for (const partition of upTo(6)) {
    assert.deepEqual(offsets(records.filter((record) => record.partition === partition)), upTo(600))
  }
})

test('what the loop is done with is committed at the end, the record that it was left at is not', async () => {
  const service = startService()
  await fill(service, 't', 1, 10)
  assert.deepEqual(offsets(await readUntil(consumerOf(service), ({ length }) => length === 4)), upTo(4))
  assert.deepEqual(await committed(service), [3])
  assert.deepEqual(offsets(await readUntil(consumerOf(service), ({ length }) => length === 7)), upTo(10, 3))
  assert.equal((await membersOf(service)).length, 0)
})

test('while the loop goes on, commits come in their interval, and none where nothing has changed', async () => {
  const service = startService()
  await fill(service, 't', 2, 10)
  const consumer = consumerOf(service, { autoCommitIntervalMs: 1000 })
  const reading = readUntil(consumer, () => false)
  await service.clock.sleep(1500)
  assert.deepEqual(await committed(service), [10, 10])
  const commits = () => service.requests.filter((request) => request.endsWith('offsets:commit')).length
  const before = commits()
  await service.clock.sleep(20_000)
  assert.equal(commits(), before)
  await consumer.close()
  await reading
})

test('without auto-commit only what is committed is, by record, by offset or all that was given', async () => {
  const service = startService()
  await fill(service, 't', 1, 10)
  const seen: (readonly (number | undefined)[])[] = []
  const consumer = consumerOf(service, { autoCommit: false })
  for await (const record of consumer) {
    if (record.offset === 3) await consumer.commit([record])
    if (record.offset === 5) await consumer.commit()
    if (record.offset === 7)
      await consumer.commitOffsets([{ topic: 't', partition: 0, offset: 2, metadata: 'back' }])
    seen.push(await committed(service))
    if (record.offset === 9) break
  }
  assert.deepEqual(seen.flat(), [4, 4, 6, 6, 2, 2, 2])
  assert.deepEqual(await committed(service), [2])
  const again = consumerOf(service, { autoCommit: false })
  for await (const record of again) {
    assert.equal(record.offset, 2)
    await assert.rejects(again.commitOffsets([{ topic: 't', partition: 0, offset: 11 }]), { status: 416 })
    await assert.rejects(again.commitOffsets([{ topic: 't', partition: 5, offset: 0 }]), { errorCode: 40406 })
    break
  }
})

test('latest begins at the end, none refuses to begin without a commit', async () => {
  const service = startService()
  await fill(service, 't', 2, 10)
  const reading = readUntil(consumerOf(service, { autoOffsetReset: 'latest' }), ({ length }) => length === 6)
  await service.clock.sleep(10_000)
  await append(service, 't', 2, 3)
  assert.deepEqual(offsets(await reading).sort(), [10, 10, 11, 11, 12, 12])
  const none = consumerOf(service, { autoOffsetReset: 'none', groupId: 'other' })
  await assert.rejects(
    readUntil(none, () => true),
    /nothing is committed/,
  )
})

test('an offset that retention has passed, or that was never there, is reset', async () => {
  const service = startService()
  await fill(service, 't', 1, 10)
  const consumer = consumerOf(service)
  const seen: number[] = []
  for await (const record of consumer) {
    seen.push(record.offset)
    if (seen.length === 1) {
      await service.cluster.deleteRecords('t', 0, 6)
      consumer.seek(record, 2)
    } else if (seen.length === 3) consumer.seek(record, 1000)
    else if (seen.length === 5) break
  }
  assert.deepEqual(seen, [0, 6, 7, 6, 7])
})

test('commits are sent one after the other, so that a slow one does not land behind a later one', async () => {
  const service = startService()
  await fill(service, 't', 1, 10)
  let slow = true
  const world: World = {
    ...service.world,
    fetch: async (url, init) => {
      const isFirst = url.endsWith('offsets:commit') && slow
      if (isFirst) {
        slow = false
        await service.clock.sleep(2000)
      }
      return service.world.fetch(url, init)
    },
  }
  const consumer = consumerOf(service, { world, autoCommit: false })
  for await (const { topic, partition } of consumer) {
    await Promise.all([5, 8].map((offset) => consumer.commitOffsets([{ topic, partition, offset }])))
    break
  }
  assert.deepEqual(await committed(service), [8])
})

test('new partitions are read at once, whatever a request that is under way waits for', async () => {
  const service = startService()
  await service.createTopic('t', 2)
  const options = { fetchMaxWaitMs: 25_000 }
  const [first, second] = [consumerOf(service, options), consumerOf(service, options)]
  const seen: number[] = []
  const reading = (async () => {
    for await (const _ of first) seen.push(service.clock.now())
  })()
  await service.clock.sleep(1000)
  const secondReading = readUntil(second, () => false)
  await service.clock.sleep(30_000)
  assert.equal(first.assignment().length, 1)
  const [own] = first.assignment()
  assert(own !== undefined)
  await second.close()
  const other = { partition: 1 - own.partition, key: null, value: null, headers: [] }
  await service.cluster.produceRecords('t', [other])
  const start = service.clock.now()
  await service.clock.sleep(20_000)
  assert.equal(seen.length, 1)
  assert((seen[0] ?? 0) - start < 6000, 'with the next heartbeat')
  await first.close()
  await Promise.all([reading, secondReading])
})

test('a reset that meets a bad network is made again', async () => {
  const service = startService()
  await fill(service, 't', 1, 10)
  let failures = 0
  const world: World = {
    ...service.world,
    fetch: (url, init) => {
      const isReset = String(init.body).includes('"from_beginning":false')
      if (isReset && ++failures % 3 !== 0) return Promise.reject(new TypeError('fetch failed'))
      return service.world.fetch(url, init)
    },
  }
  const seen: number[] = []
  const consumer = consumerOf(service, { world })
  for await (const record of consumer) {
    seen.push(record.offset)
    if (seen.length === 2) consumer.seek(record, 1000)
    if (seen.length === 3) break
  }
  assert.deepEqual(seen, [0, 1, 0])
  assert.equal(failures, 6)
})

test('seek goes back and forth, and what was read ahead does not count', async () => {
  const service = startService()
  await fill(service, 't', 1, 100)
  const consumer = consumerOf(service)
  const seen: number[] = []
  for await (const record of consumer) {
    seen.push(record.offset)
    if (seen.length === 3) consumer.seek(record, 50)
    if (seen.length === 5) consumer.seek(record, 1)
    if (seen.length === 7) break
  }
  assert.deepEqual(seen, [0, 1, 2, 50, 51, 1, 2])
  assert.deepEqual(await committed(service), [2])
  assert.throws(() => consumer.seek({ topic: 't', partition: 9 }, 0), /not assigned/)
})

test('a paused partition gives nothing until it is resumed, and then goes on where it was', async () => {
  const service = startService()
  await fill(service, 't', 2, 10)
  const consumer = consumerOf(service)
  const seen: string[] = []
  for await (const record of consumer) {
    seen.push(placeOf(record))
    if (seen.length === 1) consumer.pause([record])
    if (seen.length === 11) consumer.resume([{ topic: 't', partition: record.partition === 0 ? 1 : 0 }])
    if (seen.length === 20) break
  }
  const [first] = seen
  const paused = first?.slice(0, -2) ?? ''
  assert.equal(new Set(seen).size, 20)
  assert(seen.slice(1, 11).every((place) => !place.startsWith(paused)))
  assert.deepEqual(
    seen.slice(11),
    upTo(10, 1).map((offset) => `${paused}@${offset}`),
  )
})

test('a hundred partitions are read with one request at a time', async () => {
  const service = startService()
  await fill(service, 't', 100, 10)
  const consumer = consumerOf(service)
  let inLoop = 0
  for await (const _ of consumer) if (++inLoop === 1000) break
  const fetches = service.requests.filter((request) => request.endsWith('/consume')).length
  assert(fetches <= 4, `${fetches} requests`)
})

test('a pattern finds topics that come later', async () => {
  const service = startService()
  await fill(service, 'logs-a', 1, 2)
  const { topics: _, ...options } = { ...service.connection, groupId: 'g', topics: [] }
  const consumer = createConsumer({ ...options, pattern: 'logs-.*', autoOffsetReset: 'earliest' })
  const reading = readUntil(consumer, ({ length }) => length === 4)
  await service.clock.sleep(10_000)
  await fill(service, 'logs-b', 1, 2)
  assert.deepEqual(
    new Set((await reading).map(placeOf)),
    new Set(['logs-a/0@0', 'logs-a/0@1', 'logs-b/0@0', 'logs-b/0@1']),
  )
  assert.throws(() => createConsumer(options), /topics, or a pattern/)
})

test('an abort ends the loop after its record, with everything committed and the group left', async () => {
  const service = startService()
  await fill(service, 't', 1, 10)
  const abort = new AbortController()
  const seen: number[] = []
  for await (const record of consumerOf(service, { signal: abort.signal })) {
    seen.push(record.offset)
    if (record.offset === 4) abort.abort()
  }
  assert.deepEqual(seen, upTo(5))
  assert.deepEqual(await committed(service), [5])
  assert.deepEqual(await membersOf(service), [])
  assert.deepEqual(await readUntil(consumerOf(service, { signal: AbortSignal.abort() }), () => true), [])
})

test('partitions are given up before others get them, and callbacks are awaited', async () => {
  const service = startService()
  await fill(service, 't', 4, 10)
  const told: string[] = []
  const callbacks = (name: string): Partial<ConsumerOptions> => ({
    onAssigned: (partitions) => void told.push(`${name} has ${names(partitions)}`),
    onRevoked: async (partitions) => {
      await service.clock.sleep(2000)
      told.push(`${name} gives ${names(partitions)}`)
    },
  })
  const first = consumerOf(service, callbacks('a'))
  const second = consumerOf(service, callbacks('b'))
  const reading = [readUntil(first, () => false)]
  await service.clock.sleep(10_000)
  reading.push(readUntil(second, () => false))
  await service.clock.sleep(30_000)
  assert.deepEqual(told, ['a has 0,1,2,3', 'a gives 2,3', 'b has 2,3'])
  assert.deepEqual(names(first.assignment()), [0, 1])
  await first.close()
  await service.clock.sleep(20_000)
  assert.deepEqual(told.slice(3), ['a gives 0,1', 'b has 0,1'])
  await second.close()
  const records = (await Promise.all(reading)).flat()
  assert.equal(new Set(records.map(placeOf)).size, 40)
  assert.equal(records.length, 40)
})
