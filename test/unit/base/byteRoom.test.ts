import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createByteRoom, type Place } from '../../../shared/base/byteRoom.ts'

const bytesMax = 1000

/** A room, those who wait in it, and the places that were given, of which the test decides when they go. */
function createHall(size = bytesMax) {
  const room = createByteRoom(size)
  const places: { readonly tenant: string | undefined; readonly place: Place }[] = []
  let waiting = 0
  const note = (tenant: string | undefined, place: Place) => {
    places.push({ tenant, place })
    const taken = places.reduce((sum, one) => sum + one.place.bytes, 0)
    assert.ok(taken <= size, `${taken} bytes are given out of ${size}`)
  }
  return {
    places,
    waiting: () => waiting,
    held: (tenant: string | undefined) =>
      places.reduce((sum, one) => sum + (one.tenant === tenant ? one.place.bytes : 0), 0),
    taken: () => places.reduce((sum, one) => sum + one.place.bytes, 0),
    /** Resolves when the place is given; answers whether that was at once. */
    async ask(tenant: string | undefined, bytes: number): Promise<boolean> {
      const given = room.acquire(tenant, bytes)
      if (!(given instanceof Promise)) {
        note(tenant, given)
        return true
      }
      waiting++
      const place = await given
      waiting--
      note(tenant, place)
      return false
    },
    /** What is shrunk is noted before others are let in. */
    leave(index: number, bytes = 0) {
      const [one] = bytes === 0 ? places.splice(index, 1) : places.slice(index)
      if (one) room.resize(one.place, bytes)
    },
  }
}

const turns = async (count = 3) => {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

const isAtOnce = async (asked: Promise<boolean>): Promise<boolean> => {
  let answer: boolean | undefined
  asked.then((atOnce) => {
    answer = atOnce
  })
  await turns()
  return answer ?? false
}

const isGiven = async (place: Promise<Place>): Promise<boolean> => {
  let given = false
  void place.then(() => {
    given = true
  })
  await turns()
  return given
}

test('whoever has the room alone may take all of it, in the order of the calls', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(sizes, async (asked) => {
      const room = createByteRoom(10)
      const entered: number[] = []
      let taken = 0
      await Promise.all(
        asked.map(async (size, index) => {
          const place = await room.acquire(undefined, size)
          taken += place.bytes
          assert.ok(taken <= 10)
          entered.push(index)
          await turns()
          taken -= place.bytes
          room.resize(place, 0)
        }),
      )
      assert.deepEqual(entered, [...asked.keys()])
      assert.equal((await room.acquire(undefined, 10)).bytes, 10)
    }),
  )
})

test('a tenant that is alone gets room at once up to half of it, and no further', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(sizes, async (asked) => {
      const hall = createHall()
      for (const bytes of asked) {
        const expected = hall.taken() + bytes <= bytesMax / 2
        assert.equal(await isAtOnce(hall.ask('greedy', bytes)), expected)
        // Behind one that waits everybody of the tenant does.
        if (!expected) return
      }
    }),
  )
})

test('a body of the whole size of the room comes in when nobody else is there', async () => {
  const hall = createHall()
  assert.ok(await isAtOnce(hall.ask('a', bytesMax)))
  void hall.ask('b', bytesMax + 1)
  await turns()
  assert.equal(hall.waiting(), 1)
  hall.leave(0)
  await turns()
  assert.equal(hall.held('b'), bytesMax)
})

test('whatever tenants hold and never give back, the next one finds room for half of what they left', async () => {
  const asked = fc.array(
    fc.record({ tenant: fc.integer({ min: 0, max: 3 }), bytes: fc.integer({ min: 1, max: 60 }) }),
    { maxLength: 200 },
  )
  await fc.assert(
    fc.asyncProperty(asked, async (requests) => {
      const hall = createHall()
      for (const { tenant, bytes } of requests) void hall.ask(`greedy ${tenant}`, bytes)
      await turns()
      const left = bytesMax - hall.taken()
      // Small bodies pass one that waits, even though that one may be the next to enter.
      const bytes = Math.floor(left / 2)
      assert.ok(left >= bytesMax / 2 ** 4)
      const isPassing = hall.waiting() > 0
      assert.ok(isPassing || (await isAtOnce(hall.ask('newcomer', bytes))))
      assert.ok(!isPassing || (await isAtOnce(hall.ask('newcomer', 1))))
    }),
  )
})

test('a tenant waits for its own bodies while another, who came later, does not', async () => {
  const hall = createHall()
  for (let i = 0; i < 10; i++) void hall.ask('greedy', 100)
  await turns()
  assert.equal(hall.held('greedy'), 500)
  assert.ok(await isAtOnce(hall.ask('neighbour', 200)))
  hall.leave(0)
  hall.leave(0)
  await turns()
  assert.equal(hall.held('greedy'), 400, 'as much as is left')
  hall.leave(hall.places.findIndex(({ tenant }) => tenant === 'neighbour'))
  await turns()
  assert.equal(hall.held('greedy'), 500)
})

test('a large body is passed by no more bytes than it has itself, and enters with the next that goes', async () => {
  const hall = createHall()
  // 400 of a, 200 of b, 200 of c: 200 are left, of which a newcomer may take 100.
  for (const [tenant, bytes] of Object.entries({ a: 400, b: 200, c: 200 })) {
    assert.ok(await isAtOnce(hall.ask(tenant, bytes)))
  }
  assert.equal(await isAtOnce(hall.ask('large', 150)), false)
  assert.ok(await isAtOnce(hall.ask('small', 50)))
  assert.ok(await isAtOnce(hall.ask('smaller', 70)))
  assert.equal(await isAtOnce(hall.ask('late', 35)), false, 'it would be 155 bytes that pass')
  hall.leave(1)
  await turns()
  assert.equal(hall.held('large'), 150)
  assert.equal(hall.held('late'), 35)
})

test('nobody starves, however large the body: who waits enters within a few turns of the others', async () => {
  const lifeMax = 4
  const tenants = fc.array(fc.integer({ min: 1, max: bytesMax }), { minLength: 2, maxLength: 12 })
  const chances = fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 })
  await fc.assert(
    fc.asyncProperty(tenants, chances, async (sizes, numbers) => {
      const hall = createHall()
      let drawn = 0
      const chance = () => numbers[drawn++ % numbers.length] ?? 0
      let step = 0
      let longest = 0
      // Each tenant has two requests at any time, of its own size or smaller.
      const keepAsking = async (tenant: string, size: number) => {
        while (step < 300) {
          const askedAt = step
          await hall.ask(tenant, Math.max(1, Math.floor(size / (1 + (chance() % 3)))))
          longest = Math.max(longest, step - askedAt)
        }
      }
      const asking = sizes.flatMap((size, i) => [keepAsking(`${i}`, size), keepAsking(`${i}`, size)])
      const leaveAt = new Map<Place, number>()
      for (; step < 300 || hall.places.length > 0; step++) {
        for (const { place } of [...hall.places]) {
          const at = leaveAt.get(place) ?? step + 1 + (chance() % lifeMax)
          leaveAt.set(place, at)
          if (at === step) hall.leave(hall.places.findIndex((one) => one.place === place))
        }
        await turns()
      }
      await Promise.all(asking)
      assert.equal(hall.waiting(), 0)
      const bound = 2 * (sizes.length + 1) * (lifeMax + 1)
      assert.ok(longest <= bound, `somebody waited ${longest} steps of ${bound}`)
    }),
  )
})

test('what a body did not need is there for others, and all comes back', async () => {
  const hall = createHall()
  void hall.ask('a', 500)
  void hall.ask('a', 100)
  await turns()
  assert.equal(hall.waiting(), 1)
  hall.leave(0, 100)
  await turns()
  assert.equal(hall.held('a'), 200)
  hall.leave(0)
  hall.leave(0)
  assert.ok(await isAtOnce(hall.ask('b', bytesMax)))
})

test('who cannot wait gets what is free and passes nobody; what is there already counts', async () => {
  const room = createByteRoom(bytesMax)
  const first = room.acquireNow('a', 400)
  assert.equal(first.bytes, 400)
  assert.equal(room.acquireNow('a', 200).bytes, 0, 'more than is left')
  const waiting = room.acquire('a', 200)
  assert.ok(waiting instanceof Promise)
  assert.equal(room.acquireNow('a', 1).bytes, 0, 'behind one that waits')
  const none = room.acquireNow('b', 400)
  assert.equal(none.bytes, 0)
  room.resize(none, 1200)
  assert.equal(room.acquireNow('c', 1).bytes, 0)
  room.resize(first, 0)
  assert.equal(await isGiven(waiting), false, 'of 1000 bytes 1200 are taken')
  room.resize(none, 0)
  assert.equal(await isGiven(waiting), true)
  room.resize(await waiting, 0)
  assert.equal(room.acquireNow('c', bytesMax).bytes, bytesMax)
})
