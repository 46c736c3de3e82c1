// The simulation in the test run: seeds that are always run, seeds that failed once, that a seed is a run, and that
// what is broken is found.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { LogDeps } from '../../shared/log/deps.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Condition, Item, ItemKey, Table, TransactWrite, Write } from '../../shared/ports/table.ts'
import { type RunOptions, simulate } from './simulate.ts'

interface FailedSeed {
  readonly seed: number
  readonly steps: number
  /** false: it failed before there was a compactor, and is run without one. */
  readonly compacts: boolean
  /** true: of consumer groups. */
  readonly groups?: boolean
  readonly why: string
}

const seedsFile = new URL('seeds.json', import.meta.url)
const failedSeeds: readonly FailedSeed[] = JSON.parse(readFileSync(seedsFile, 'utf8'))
const fixedSeeds = Array.from({ length: 40 }, (_, i) => i + 1)
const compactedSeeds = Array.from({ length: 200 }, (_, i) => i + 1)
const steps = 2000
const compactedSteps = 1000

async function expectNone(options: RunOptions): Promise<void> {
  const { violations } = await simulate(options)
  const only = options.compacts === false ? ' --no-compactor' : options.groups ? ' --groups' : ''
  const again = `npm run sim -- --seed ${options.seed} --steps ${options.steps}${only}`
  assert.deepEqual(violations, [], `again: ${again}`)
}

/** A violation in one of a few runs. */
async function expectFound(
  spoil: Omit<RunOptions, 'seed' | 'steps'>,
  pattern: RegExp,
  seedsMax = 30,
): Promise<void> {
  const found: string[] = []
  for (let seed = 1; seed <= seedsMax; seed++) {
    const { violations } = await simulate({ compacts: false, ...spoil, seed, steps: 1500 })
    found.push(...violations.slice(0, 20))
    if (violations.some((violation) => pattern.test(violation))) return
  }
  assert.fail(`${pattern} is not among ${found.length} violations: ${found.slice(0, 5).join('; ')}`)
}

test('the fixed seeds run without a violation', async () => {
  for (const seed of fixedSeeds) await expectNone({ seed, steps, compacts: false })
})

test('the fixed seeds run without a violation while compactors and collectors work', async () => {
  for (const seed of compactedSeeds) await expectNone({ seed, steps: compactedSteps })
})

for (const { seed, steps: stepsThen, compacts, groups = false, why } of failedSeeds) {
  const name = `seed ${seed}, which failed once, passes: ${why}`
  test(name, () => expectNone({ seed, steps: stepsThen, compacts, groups }))
}

test('the same seed is the same run, and another seed is another', async () => {
  for (const seed of [1, 7, 11]) {
    const first = await simulate({ seed, steps })
    const second = await simulate({ seed, steps })
    assert.equal(second.traceHash, first.traceHash)
    assert.deepEqual(second.traceTail, first.traceTail)
    const other = await simulate({ seed: seed + 100, steps })
    assert.notEqual(other.traceHash, first.traceHash)
  }
})

test('a table that drops all conditions is found', async () => {
  await expectFound({ spoilTable: (table) => withConditions(table, () => false) }, /./)
})

test('a table that forgets what producers had sent is found', async () => {
  const isKept = (condition: Condition) => !('attribute' in condition && /^p\d/.test(condition.attribute))
  await expectFound({ spoilTable: (table) => withConditions(table, isKept) }, /stored twice|comes next/)
})

test('a table that spills the same tail twice is found', async () => {
  const isKept = ({ kind }: Condition) => kind !== 'firstEquals'
  await expectFound(
    { spoilTable: (table) => withConditions(table, isKept) },
    /holds|goes on|not there|cannot be read/,
  )
})

test('a table that answers from the past is found', async () => {
  await expectFound({ spoilTable: withStaleReads }, /was acknowledged before|went back/)
})

test('a table that carries out half a transaction is found', async () => {
  await expectFound({ spoilTable: withHalfTransactions }, /./)
})

test('an object store that loses objects is found', async () => {
  await expectFound({ spoilObjects: withLostObjects }, /has not all of its bytes|cannot be read/)
})

test('an object store that answers with the bytes of another place is found', async () => {
  await expectFound(
    { spoilObjects: withShiftedRanges },
    /nobody sent|KafkaError|cannot be read|fill|comes next after/,
  )
})

test('a table that does not look at leases is found', async () => {
  const spoilTable = (table: Table): Table => ({
    ...table,
    transact: (writes) => table.transact(writes.filter(({ kind, key }) => kind !== 'check' || !isLease(key))),
    // Every pass works on all partitions, so that two of them meet.
    query: async (query) => {
      const page = await table.query(query)
      const items = page.items.map((item) => ({ ...item, attributes: { ...item.attributes, all: 1 } }))
      return query.pk.endsWith('/work') ? { ...page, items } : page
    },
  })
  // Every other clock is slow, so that leases are taken from those who hold them.
  let processes = 0
  const spoilCompactor = (deps: LogDeps): LogDeps => {
    const slowMs = (processes++ % 2) * 90_000
    return { ...deps, clock: { ...deps.clock, now: () => deps.clock.now() - slowMs } }
  }
  // Two workers meet in one run of twenty or so.
  await expectFound({ compacts: true, spoilTable, spoilCompactor }, /without holding it/, 100)
})

test('a segment that is named before it is stored is found', async () => {
  const spoilCompactor = (deps: LogDeps): LogDeps => ({
    ...deps,
    objects: {
      ...deps.objects,
      async putIfAbsent(name, parts) {
        void deps.clock.sleep(500).then(() => deps.objects.putIfAbsent(name, parts).catch(() => undefined))
        return 'stored'
      },
    },
  })
  await expectFound({ compacts: true, spoilCompactor }, /was named, and .* has not all of its bytes/)
})

test('a compactor that knows no delete.retention.ms and no retention.ms is found', async () => {
  const hasty = (item: Item): Item => {
    const { configs } = item.attributes
    const spoilt = String(configs).replaceAll(/"((?:delete\.)?retention\.ms)":"-?\d+"/g, '"$1":"0"')
    return configs === undefined ? item : { ...item, attributes: { ...item.attributes, configs: spoilt } }
  }
  const spoilCompactor = (deps: LogDeps): LogDeps => ({
    ...deps,
    table: {
      ...deps.table,
      get: async (key) => {
        const item = await deps.table.get(key)
        return item && hasty(item)
      },
    },
  })
  const early = (what: RegExp) => expectFound({ compacts: true, spoilCompactor }, what)
  await early(/was not due/)
  await early(/the tombstone at .* may go at/)
})

test('segments that lose their names without being retired are found', async () => {
  const isRetirement = ({ key }: TransactWrite) => key.pk.endsWith('/retired')
  const spoilCompactor = (deps: LogDeps): LogDeps => ({
    ...deps,
    table: {
      ...deps.table,
      transact: (writes) => deps.table.transact(writes.filter((write) => !isRetirement(write))),
    },
  })
  await expectFound({ compacts: true, spoilCompactor }, /lost its name and was not retired/)
})

test('a compactor that loses batches on its way to the object store is found', async () => {
  const spoilCompactor = (deps: LogDeps): LogDeps => ({
    ...deps,
    objects: {
      ...deps.objects,
      putIfAbsent: (name, parts) => deps.objects.putIfAbsent(name, parts.slice(1)),
    },
  })
  await expectFound({ compacts: true, spoilCompactor }, /has not all of its bytes|is missing|records, not/)
})

const isLease = ({ pk }: ItemKey): boolean => pk.endsWith('/leases')

function withConditions(table: Table, isKept: (condition: Condition) => boolean): Table {
  const stripped = <W extends Write | TransactWrite>(write: W): W =>
    write.when ? { ...write, when: write.when.filter(isKept) } : write
  return {
    ...table,
    write: (write) => table.write(stripped(write)),
    transact: (writes) =>
      table.transact(writes.map(stripped).filter(({ kind, when }) => kind !== 'check' || when?.length)),
  }
}

/** Every third read of an item is as it was when it was last read. */
function withStaleReads(table: Table): Table {
  const read = new Map<string, Item | undefined>()
  let count = 0
  const nameOf = ({ pk, sk }: ItemKey) => `${pk} ${sk}`
  return {
    ...table,
    async get(key) {
      const name = nameOf(key)
      if (++count % 3 === 0 && read.has(name)) return read.get(name)
      const item = await table.get(key)
      read.set(name, item)
      return item
    },
  }
}

const withHalfTransactions = (table: Table): Table => ({
  ...table,
  transact: (writes) => table.transact(writes.slice(0, Math.ceil(writes.length / 2))),
})

function withLostObjects(objects: ObjectStore): ObjectStore {
  let count = 0
  return {
    ...objects,
    putIfAbsent: (name, parts) =>
      ++count % 5 === 0 ? Promise.resolve('stored') : objects.putIfAbsent(name, parts),
  }
}

const withShiftedRanges = (objects: ObjectStore): ObjectStore => ({
  ...objects,
  getRange: (name, start, length) => objects.getRange(name, start + 1, length),
})
