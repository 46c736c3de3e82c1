// Consumers whose requests get lost, that are fenced, that freeze, die or come back: the group goes on, and every
// record is processed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConsumerOptions, createConsumer } from '../src/consumer.ts'
import type { ConsumerRecord } from '../src/consumerRecord.ts'
import { createProducer } from '../src/producer.ts'
import type { World } from '../src/world.ts'
import { flaky, placeOf, readUntil, type Service, startService } from './support.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

const consumerOf = (service: Service, options: Partial<ConsumerOptions> = {}) =>
  createConsumer({
    ...service.connection,
    groupId: 'g',
    topics: ['t'],
    autoOffsetReset: 'earliest',
    ...options,
  })

async function fill(service: Service, count: number): Promise<void> {
  const producer = createProducer(service.connection)
  await Promise.all(upTo(count).map((n) => producer.send({ topic: 't', partition: n % 6, value: `${n}` })))
}

/** Requests of the world that are not answered any more once it is dead. */
function mortal(world: World) {
  let dead = false
  const silence = ({ signal }: RequestInit) =>
    new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  const fetch: World['fetch'] = async (url, init) => {
    if (dead) return silence(init)
    const answer = await world.fetch(url, init)
    return dead ? silence(init) : answer
  }
  return {
    world: { ...world, fetch },
    die: () => {
      dead = true
    },
  }
}

async function process(consumer: AsyncIterable<ConsumerRecord>, seen: ConsumerRecord[]): Promise<void> {
  for await (const record of consumer) seen.push(record)
}

for (const seed of upTo(10)) {
  test(`three consumers on a bad network process every record, in order (seed ${seed})`, async () => {
    const service = startService()
    await service.createTopic('t', 6)
    await fill(service, 300)
    const seen = upTo(3).map((): ConsumerRecord[] => [])
    const consumers = upTo(3).map((n) => {
      const world = flaky(service.world, seed * 10 + n, [0.1, 0.1, 0.1])
      return consumerOf(service, { world, autoCommitIntervalMs: 1000, requestTimeoutMs: 5000 })
    })
    const reading = Promise.all(consumers.map((consumer, n) => process(consumer, seen[n] ?? [])))
    await service.clock.sleep(60_000)
    await fill(service, 300)
    await service.clock.sleep(120_000)
    await Promise.all(consumers.map((consumer) => consumer.close()))
    await reading
    assert.equal(new Set(seen.flat().map(placeOf)).size, 600)
    for (const one of seen) assertOrder(one)
  })
}

/** Within a partition offsets grow, unless the consumer begins anew at or before what it has seen. */
function assertOrder(records: readonly ConsumerRecord[]): void {
  const next = new Map<number, number>()
  for (const { partition, offset } of records) {
    const expected = next.get(partition)
    assert(expected === undefined || offset <= expected, `offset ${offset} of ${partition} after ${expected}`)
    next.set(partition, offset + 1)
  }
}

test('the partitions of a consumer that died go to the others, from where it had committed', async () => {
  const service = startService()
  await service.createTopic('t', 6)
  const victim = mortal(service.world)
  const [dead, living]: ConsumerRecord[][] = [[], []]
  const dying = consumerOf(service, { world: victim.world, autoCommitIntervalMs: 1000 })
  const deadReading = process(dying, dead ?? [])
  const survivor = consumerOf(service)
  const reading = process(survivor, living ?? [])
  await service.clock.sleep(20_000)
  await fill(service, 60)
  await service.clock.sleep(5000)
  victim.die()
  await fill(service, 60)
  await service.clock.sleep(60_000)
  assert.equal(survivor.assignment().length, 6)
  await Promise.all([survivor.close(), dying.close()])
  await Promise.all([reading, deadReading])
  assert.equal(dead?.length, 30)
  assert.equal(living?.length, 90)
  assert.equal(new Set([...(dead ?? []), ...(living ?? [])].map(placeOf)).size, 120)
})

test('a consumer that the group has forgotten joins again, and is told that it lost everything', async () => {
  const service = startService()
  await service.createTopic('t', 6)
  await fill(service, 60)
  const told: string[] = []
  const consumer = consumerOf(service, {
    onAssigned: ({ length }) => void told.push(`assigned ${length}`),
    onRevoked: ({ length }) => void told.push(`revoked ${length}`),
    onLost: ({ length }) => void told.push(`lost ${length}`),
  })
  const seen: ConsumerRecord[] = []
  const reading = process(consumer, seen)
  await service.clock.sleep(20_000)
  const [member] = (await service.cluster.groups.describeGroup('g')).members
  await service.cluster.groups.heartbeat({
    ...{ groupId: 'g', memberId: member?.memberId ?? '', memberEpoch: -1 },
    ...{ clientId: '', clientHost: '' },
  })
  await fill(service, 60)
  await service.clock.sleep(20_000)
  await consumer.close()
  await reading
  assert.deepEqual(told, ['assigned 6', 'lost 6', 'assigned 6', 'revoked 6'])
  assert.equal(new Set(seen.map(placeOf)).size, 120)
})

test('an application that stalls leaves the group and joins again when it goes on', async () => {
  const service = startService()
  await service.createTopic('t', 6)
  await fill(service, 60)
  const stalled = consumerOf(service, { maxPollIntervalMs: 30_000 })
  const other = consumerOf(service)
  const seen: ConsumerRecord[] = []
  const reading = (async () => {
    for await (const record of stalled) {
      seen.push(record)
      if (seen.length === 10) await service.clock.sleep(100_000)
    }
  })()
  await service.clock.sleep(50_000)
  const others: ConsumerRecord[] = []
  const otherReading = process(other, others)
  await service.clock.sleep(20_000)
  assert.equal(other.assignment().length, 6)
  await service.clock.sleep(60_000)
  assert.equal(stalled.assignment().length, 3)
  await Promise.all([stalled.close(), other.close()])
  await Promise.all([reading, otherReading])
  assert.equal(new Set([...seen, ...others].map(placeOf)).size, 60)
})

test('who was taken out while busy commits nothing of what others have by now', async () => {
  const service = startService()
  await service.createTopic('t', 6)
  await fill(service, 600)
  const busy = consumerOf(service, { autoCommitIntervalMs: 30_000 })
  let seen = 0
  const busyReading = (async () => {
    for await (const _ of busy) if (++seen === 50) await service.clock.sleep(40_000)
  })()
  await service.clock.sleep(5000)
  const [member] = (await service.cluster.groups.describeGroup('g')).members
  const other = consumerOf(service, { autoCommitIntervalMs: 500 })
  const otherReading = process(other, [])
  await service.cluster.groups.heartbeat({
    ...{ groupId: 'g', memberId: member?.memberId ?? '', memberEpoch: -1 },
    ...{ clientId: '', clientHost: '' },
  })
  const highest = new Map<number, number>()
  for (let round = 0; round < 120; round++) {
    await service.clock.sleep(500)
    for (const { partition, offset } of await service.cluster.groups.committedOffsets(
      'g',
      undefined,
      undefined,
    )) {
      assert(offset >= (highest.get(partition) ?? 0), `${partition} went back to ${offset}`)
      highest.set(partition, offset)
    }
  }
  assert.deepEqual(
    [...highest.values()],
    upTo(6).map(() => 100),
  )
  await Promise.all([busy.close(), other.close()])
  await Promise.all([busyReading, otherReading])
})

test('heartbeats go on while the application is busy', async () => {
  const service = startService()
  await service.createTopic('t', 6)
  await fill(service, 6)
  const busy = consumerOf(service)
  for await (const _ of busy) {
    await service.clock.sleep(200_000)
    break
  }
  const beats = service.requests.filter((request) => request.endsWith('g:heartbeat')).length
  assert(beats >= 200_000 / 5000, `${beats} heartbeats`)
})

test('a static member that comes back has its partitions again, and nobody else is asked for any', async () => {
  const service = startService()
  await service.createTopic('t', 6)
  await fill(service, 60)
  let revoked = 0
  const other = consumerOf(service, {
    onRevoked: () => {
      revoked++
    },
  })
  const otherReading = process(other, [])
  await service.clock.sleep(5000)
  const first = consumerOf(service, { instanceId: 'i' })
  const firstReading = process(first, [])
  await service.clock.sleep(30_000)
  const before = first.assignment()
  assert.equal(before.length, 3)
  await first.close()
  await firstReading
  const revokedBefore = revoked
  const second = consumerOf(service, { instanceId: 'i' })
  const secondReading = process(second, [])
  await service.clock.sleep(10_000)
  assert.deepEqual(new Set(second.assignment().map(({ partition }) => partition)), partitionsOf(before))
  assert.equal(revoked, revokedBefore)
  const third = consumerOf(service, { instanceId: 'i' })
  await assert.rejects(
    readUntil(third, () => true),
    { status: 409, errorCode: 40908 },
  )
  await Promise.all([second.close(), other.close()])
  await Promise.all([secondReading, otherReading])
})

const partitionsOf = (partitions: readonly { readonly partition: number }[]) =>
  new Set(partitions.map(({ partition }) => partition))

test('what no retry can help ends the loop with its error', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  const refusing = (part: string): World => ({
    ...service.world,
    fetch: (url, init) => {
      if (!url.includes(part)) return service.world.fetch(url, init)
      return Promise.resolve(Response.json({ error_code: 40301, message: 'no' }, { status: 403 }))
    },
  })
  await fill(service, 1).catch(() => undefined)
  for (const part of [':heartbeat', 'offsets:fetch', '/consume']) {
    const consumer = consumerOf(service, { world: refusing(part) })
    await assert.rejects(
      readUntil(consumer, () => true),
      { name: 'MillraceError', status: 403, errorCode: 40301, message: 'no' },
    )
  }
})

test('what the loop or a callback throws comes out, and the group is left', async () => {
  const service = startService()
  await service.createTopic('t', 6)
  await fill(service, 60)
  const failing = consumerOf(service, {
    onAssigned: () => {
      throw new Error('not now')
    },
  })
  await assert.rejects(
    readUntil(failing, () => true),
    /not now/,
  )
  const loop = async () => {
    for await (const { offset } of consumerOf(service)) if (offset === 5) throw new Error('bad record')
  }
  await assert.rejects(loop(), /bad record/)
  assert.deepEqual((await service.cluster.groups.describeGroup('g')).members, [])
})
