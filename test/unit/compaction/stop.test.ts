import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import { createCompactor, defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import { createMill, keyed, minute, pass, produceEach, readLog, shown } from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

const settings = { ...defaultCompactionSettings, segmentBytesMax: 1500 }

/** Every key again and again, so that each segment has something to drop. */
async function createDirtyMill() {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'cleanup.policy': 'compact' })
  await produceEach(
    cluster,
    Array.from({ length: 120 }, (_, i) => keyed(`k${(i * 7) % 25}`, `v${i}`)),
  )
  await cluster.idle()
  mill.clock.advance(11 * minute)
  return { mill }
}

/** Calls `stop` when the n-th segment is written. */
const stoppingAt = (objects: ObjectStore, prefix: string, n: number, stop: () => void): ObjectStore => {
  let written = 0
  return {
    ...objects,
    putIfAbsent: (name, parts) => {
      if (name.startsWith(prefix) && ++written === n) stop()
      return objects.putIfAbsent(name, parts)
    },
  }
}

test('a pass that is told to stop ends at a clean point, and the next one goes on to the same end', async () => {
  const whole = await createDirtyMill()
  const wholeCompactor = whole.mill.compactor(settings)
  await pass(whole.mill, wholeCompactor)
  const expected = shown(await readLog(whole.mill.cluster()))
  assert.equal(expected.length, 25)
  const total = wholeCompactor.report.counters.segmentsWritten
  assert.ok(total > 8, `${total} segments`)
  for (let n = 1; n <= total; n++) {
    const { mill } = await createDirtyMill()
    const stopping = new AbortController()
    const objects = stoppingAt(mill.objects, mill.scope.segmentObjects, n, () => stopping.abort())
    const stopped = createCompactor({ ...mill.depsOn({ objects }), stopping: stopping.signal }, settings)
    const outcome = await pass(mill, stopped)
    assert.equal(outcome.unfinished, true, `stopped at segment ${n}`)
    assert.equal(stopped.report.counters.segmentsWritten, n, 'the segment under way is the last one')
    const between = new Set(shown(await readLog(mill.cluster())))
    assert.ok(
      expected.every((record) => between.has(record)),
      `stopped at segment ${n}`,
    )
    const next = mill.compactor(settings)
    await pass(mill, next)
    assert.deepEqual(shown(await readLog(mill.cluster())), expected, `stopped at segment ${n}`)
    assert.deepEqual(mill.failures, [])
  }
})

test('a pass that is told to stop before it begins does nothing', async () => {
  const { mill } = await createDirtyMill()
  const stopped = createCompactor({ ...mill.depsOn({}), stopping: AbortSignal.abort() }, settings)
  const before = await mill.items()
  assert.deepEqual(await pass(mill, stopped), { sequencers: 0, unfinished: true })
  await stopped.collect({ deadlineMs: Number.POSITIVE_INFINITY, dryRun: false })
  assert.equal(await stopped.countObjects(Number.POSITIVE_INFINITY), undefined)
  assert.deepEqual(await mill.items(), before)
})
