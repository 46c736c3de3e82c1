import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  acquireLease,
  dropLease,
  fence,
  type Lease,
  releaseLease,
  renewLease,
} from '../../../shared/leases/lease.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table, TransactWrite } from '../../../shared/ports/table.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { seededRandom } from '../../support/compactorTools.ts'
import { type Fault, withFaults } from '../../support/faultyTable.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const ttlMs = 60_000

function setUp(choose: (writes: readonly TransactWrite[]) => Fault | undefined = () => undefined) {
  const memory = createMemoryTable()
  const clock = createVirtualClock()
  const depsOn = (table: Table) => ({ table, clock, random: seededRandom(3), scope: createScope('test') })
  const deps = depsOn(memory)
  return { deps, clock, memory, faulty: depsOn(withFaults(memory, choose)) }
}

const take = async (deps: Parameters<typeof acquireLease>[0], owner: string): Promise<Lease> => {
  const lease = await acquireLease(deps, 'work', owner, ttlMs)
  assert.ok(lease)
  return lease
}

/** Whether a write guarded by the lease would be made. */
const holds = async (table: Table, lease: Lease): Promise<boolean> => {
  const put = { kind: 'put', key: { pk: 'test/x', sk: 'x' }, attributes: { by: lease.owner } } as const
  return (await table.transact([fence(lease), put])).ok
}

test('a lease has one holder until it is released or expires', async () => {
  const { deps, clock } = setUp()
  const lease = await take(deps, 'a')
  assert.equal(lease.untilMs, clock.now() + ttlMs)
  clock.advance(ttlMs - 1)
  assert.equal(await acquireLease(deps, 'work', 'b', ttlMs), undefined)
  assert.ok(await acquireLease(deps, 'other work', 'b', ttlMs))
  clock.advance(1)
  assert.equal((await take(deps, 'b')).epoch, lease.epoch + 1)
})

test('a released lease is taken at once, and with a larger epoch', async () => {
  const { deps } = setUp()
  const first = await take(deps, 'a')
  await releaseLease(deps, first)
  const second = await take(deps, 'b')
  assert.equal(second.epoch, first.epoch + 1)
  await releaseLease(deps, first)
  assert.equal(await acquireLease(deps, 'work', 'c', ttlMs), undefined, 'a late release takes nothing away')
})

test('renewing prolongs a lease that is still held, even past its end', async () => {
  const { deps, clock } = setUp()
  const lease = await take(deps, 'a')
  clock.advance(2 * ttlMs)
  const renewed = await renewLease(deps, lease, ttlMs)
  assert.deepEqual(renewed, { ...lease, untilMs: clock.now() + ttlMs })
  assert.equal(await acquireLease(deps, 'work', 'b', ttlMs), undefined)
})

test('a holder that was frozen past its lease changes nothing once another one has it', async () => {
  const { deps, clock, memory } = setUp()
  const frozen = await take(deps, 'a')
  assert.equal(await holds(memory, frozen), true)
  clock.advance(ttlMs)
  const thief = await take(deps, 'b')
  assert.equal(await holds(memory, frozen), false)
  assert.equal(await renewLease(deps, frozen, ttlMs), undefined)
  await releaseLease(deps, frozen)
  assert.equal(await holds(memory, thief), true)
})

test('an owner that takes its own lease again fences what it did before', async () => {
  const { deps, memory } = setUp()
  const before = await take(deps, 'a')
  const after = await take(deps, 'a')
  assert.equal(after.epoch, before.epoch + 1)
  assert.equal(await holds(memory, before), false)
})

test('of many that want a lease at once one gets it', async () => {
  const { deps } = setUp()
  const owners = Array.from({ length: 20 }, (_, i) => `o${i}`)
  const got = await Promise.all(owners.map((owner) => acquireLease(deps, 'work', owner, ttlMs)))
  assert.equal(got.filter((lease) => lease !== undefined).length, 1)
})

for (const fault of ['lost', 'dropped', 'refused'] as const) {
  test(`acquire, renew and release survive an answer that is ${fault}`, async () => {
    let left = 0
    const { deps, faulty, memory } = setUp(() => (left-- > 0 ? fault : undefined))
    left = 2
    const lease = await take(faulty, 'a')
    assert.equal(lease.epoch, 1)
    left = 2
    assert.ok(await renewLease(faulty, lease, ttlMs))
    assert.equal(await holds(memory, lease), true)
    left = 2
    await releaseLease(faulty, lease)
    assert.equal((await take(deps, 'b')).epoch, 2)
  })
}

test('a lease that was dropped lets nobody past its fence, and begins anew', async () => {
  const { deps, clock, memory } = setUp()
  const lease = await take(deps, 'a')
  clock.advance(ttlMs)
  const second = await take(deps, 'b')
  await dropLease(deps, lease)
  assert.equal(await holds(memory, second), true, 'only its holder drops it')
  await dropLease(deps, second)
  assert.equal(await holds(memory, second), false)
  assert.equal(await renewLease(deps, second, ttlMs), undefined)
  assert.ok(await acquireLease(deps, 'work', 'c', ttlMs))
})

test('whatever happens, epochs only grow and at most one holder gets past the fence', async () => {
  const action = fc.record({
    owner: fc.constantFrom('a', 'b', 'c'),
    what: fc.constantFrom('acquire', 'renew', 'release', 'wait'),
    fault: fc.constantFrom(undefined, 'lost', 'dropped', 'refused'),
  })
  const property = fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
    let fault: Fault | undefined
    const { faulty, clock, memory } = setUp(() => {
      const now = fault
      fault = undefined
      return now
    })
    const held = new Map<string, Lease>()
    let epoch = 0
    for (const one of actions) {
      fault = one.fault
      const mine = held.get(one.owner)
      if (one.what === 'wait') clock.advance(ttlMs / 2)
      if (one.what === 'acquire') {
        const lease = await acquireLease(faulty, 'work', one.owner, ttlMs)
        if (lease) {
          assert.ok(lease.epoch > epoch)
          epoch = lease.epoch
          held.set(one.owner, lease)
        }
      }
      if (one.what === 'renew' && mine) await renewLease(faulty, mine, ttlMs)
      if (one.what === 'release' && mine) await releaseLease(faulty, mine)
      const past = await Promise.all([...held.values()].map((lease) => holds(memory, lease)))
      assert.ok(past.filter(Boolean).length <= 1)
    }
  })
  await fc.assert(property, { numRuns: 200, seed: 1 })
})
