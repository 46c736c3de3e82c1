// A segment is stored while the next one is built: what happens to the others when one goes wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import type { Table } from '../../../shared/ports/table.ts'
import {
  createMill,
  keyed,
  type Mill,
  minute,
  pass,
  produceEach,
  readLog,
  settle,
  shown,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

const settings = { segmentBytesMax: 1500 }
const segmentKey = 'segment/'

async function createWrittenMill(policy: 'delete' | 'compact') {
  const mill = createMill()
  await createTopic(mill.cluster(), 't', 1, { 'cleanup.policy': policy, 'millrace.write.path': 's3' })
  const records = Array.from({ length: 120 }, (_, i) => keyed(`k${(i * 7) % 25}`, `v${i}`))
  await produceEach(mill.cluster(), records)
  mill.clock.advance(11 * minute)
  return mill
}

/** The n-th swap, and no other, finds that something has changed. */
function refusingSwap(table: Table, n: number) {
  const swaps: ('made' | 'refused')[] = []
  const refusing: Table = {
    ...table,
    async transact(writes) {
      if (!writes.some(({ kind, key }) => kind === 'put' && key.sk.startsWith(segmentKey))) {
        return table.transact(writes)
      }
      swaps.push(swaps.length + 1 === n ? 'refused' : 'made')
      return swaps.at(-1) === 'refused' ? { ok: false, failed: [] } : table.transact(writes)
    },
  }
  return { swaps, table: refusing }
}

const segmentItems = async (mill: Mill) =>
  (await mill.items()).filter(({ key }) => key.sk.startsWith(segmentKey))

for (const policy of ['delete', 'compact'] as const) {
  test(`cleanup.policy=${policy}: after a swap that is refused the turn makes no other`, async () => {
    const whole = await createWrittenMill(policy)
    const all = refusingSwap(whole.table, 0)
    await pass(whole, whole.compactor(settings, { table: all.table }))
    const expected = shown(await readLog(whole.cluster()))
    assert.ok(all.swaps.length > 4, `${all.swaps.length} swaps`)
    for (let n = 1; n <= all.swaps.length; n++) {
      const mill = await createWrittenMill(policy)
      const { swaps, table } = refusingSwap(mill.table, n)
      await pass(mill, mill.compactor(settings, { table }))
      assert.equal(swaps.length, n, `refused at ${n}`)
      mill.clock.advance(11 * minute)
      await settle(mill, mill.compactor(settings))
      assert.deepEqual(shown(await readLog(mill.cluster())), expected, `refused at ${n}`)
      assert.deepEqual(mill.failures, [])
    }
  })
}

test('damage ends a merge behind the segments before it, also behind the one that is being stored', async () => {
  const mill = await createWrittenMill('delete')
  const logNames = (await mill.objectNames()).filter((name) => name.startsWith(mill.scope.logObjects))
  const damaged = logNames.at(70)
  let puts = 0
  const objects: ObjectStore = {
    ...mill.objects,
    async getRange(name, start, length) {
      const bytes = await mill.objects.getRange(name, start, length)
      if (name === damaged) bytes?.fill(0xff, 65, 66)
      return bytes
    },
    async putIfAbsent(name, parts) {
      puts++
      await mill.clock.sleep(1000)
      return mill.objects.putIfAbsent(name, parts)
    },
  }
  const compactor = mill.compactor(settings, { objects })
  await pass(mill, compactor)
  assert.deepEqual([...compactor.report.uncleanable.keys()], ['t-0'])
  const [, offset] = /offset (\d+)/.exec(compactor.report.uncleanable.get('t-0') ?? '') ?? []
  const items = await segmentItems(mill)
  assert.ok(puts > 3 && items.length === puts, `${items.length} segments, ${puts} puts`)
  const last = items.map(({ key }) => Number.parseInt(key.sk.slice(segmentKey.length), 10)).at(-1)
  assert.ok(last !== undefined && last < Number(offset), `${last} and ${offset}`)
})
