// Consumer instances that come, go, are forgotten and poll at once, on two processes: nothing that was produced may
// miss the group.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { startConsumers, valuesOf } from '../../support/consumerCalls.ts'

type Consumers = Awaited<ReturnType<typeof startConsumers>>
type Instance = Awaited<ReturnType<Consumers['create']>>

type Step =
  | { readonly kind: 'produce'; readonly partition: number }
  | { readonly kind: 'poll' | 'commit' | 'close' | 'abandon' | 'start'; readonly who: number }
  | { readonly kind: 'pollAtOnce'; readonly who: number }
  | { readonly kind: 'wait'; readonly ms: number }

const who = fc.nat(3)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('produce' as const), partition: fc.nat(1) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('poll' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pollAtOnce' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('commit' as const, 'start' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('close' as const, 'abandon' as const), who }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(100, 2000, 6000, 310_000),
    }),
  },
)

/** What a run of the steps does with the instances: those alive, and what they were told. */
function createRun(consumers: Consumers) {
  const { create, produce, clock } = consumers
  const alive: Instance[] = []
  const produced: string[] = []
  const seen = new Set<string>()
  let names = 0

  const start = async () => {
    const instance = await create(`i${names++}`, { 'auto.commit.enable': String(names % 2 === 0) })
    await instance.subscribe('t')
    alive.push(instance)
  }
  /** An instance that was left alone too long is gone: its caller makes another one, as the clients do. */
  const poll = async (instance: Instance) => {
    const { status, body } = await instance.ask('GET', '/records?timeout=0')
    assert.ok([200, 404, 409].includes(status), JSON.stringify(body))
    if (status === 200) for (const value of valuesOf(body)) seen.add(value)
    if (status === 404 && alive.includes(instance)) alive.splice(alive.indexOf(instance), 1)
    return status
  }
  const apply = async (one: Step) => {
    if (one.kind === 'wait') return clock.advance(one.ms)
    if (one.kind === 'produce') {
      const value = String(produced.length)
      produced.push(`t-${one.partition}:${value}`)
      return produce('t', [one.partition, value])
    }
    if (one.kind === 'start') return start()
    const instance = alive[one.who % Math.max(1, alive.length)]
    if (instance === undefined) return
    if (one.kind === 'poll') return poll(instance)
    if (one.kind === 'pollAtOnce') return Promise.all([poll(instance), poll(instance), poll(instance)])
    if (one.kind === 'abandon') return alive.splice(alive.indexOf(instance), 1)
    if (one.kind === 'commit') return instance.ask('POST', '/offsets')
    alive.splice(alive.indexOf(instance), 1)
    return instance.ask('DELETE', '')
  }
  /** Those who are left read on until the forgotten ones' partitions are theirs and nothing comes any more. */
  const settle = async () => {
    await start()
    clock.advance(299_000)
    for (const instance of [...alive]) await poll(instance)
    clock.advance(2000)
    for (let round = 0; round < 10; round++) {
      for (const instance of [...alive]) await poll(instance)
      clock.advance(2000)
    }
  }
  return { apply, settle, missing: () => produced.filter((value) => !seen.has(value)), seen }
}

test('every record reaches the group, whatever its instances do', async () => {
  let delivered = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const consumers = await startConsumers()
      const run = createRun(consumers)
      for (const one of steps) await run.apply(one)
      await run.settle()
      assert.deepEqual(run.missing(), [])
      assert.deepEqual(consumers.failures(), [])
      delivered += run.seen.size
    }),
    { numRuns: 60, seed: 1 },
  )
  assert.ok(delivered > 200, `${delivered} records were delivered`)
})
