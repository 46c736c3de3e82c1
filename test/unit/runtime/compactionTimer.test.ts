import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCompactionReport } from '../../../shared/compaction/deps.ts'
import { runCompactionTimer } from '../../../shared/runtime/compactionTimer.ts'
import type { CompactionRequest, CompactionRun } from '../../../shared/service/compaction.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const minute = 60_000

const done: CompactionRun = {
  unfinished: false,
  counters: newCompactionReport().counters,
  previews: [],
  collected: { names: [], unreadable: [] },
}

/** Runs the timer until `pass` has been called `passes` times; when each was, from the start. */
async function timesOf(
  passes: number,
  pass: (index: number, clock: ReturnType<typeof createVirtualClock>) => Promise<CompactionRun>,
) {
  const clock = createVirtualClock()
  const startMs = clock.now()
  const stopping = new AbortController()
  const failures: unknown[] = []
  const calls: { readonly atMs: number; readonly request: CompactionRequest }[] = []
  const run = (request: CompactionRequest) => {
    calls.push({ atMs: clock.now() - startMs, request })
    if (calls.length === passes) stopping.abort()
    return pass(calls.length - 1, clock)
  }
  const deps = {
    compaction: { run },
    clock,
    stopping: stopping.signal,
    reportFailure: (error: unknown) => failures.push(error),
  }
  await runCompactionTimer(deps, { passMs: 30_000, collectMs: 10 * minute })
  return { calls, failures }
}

test('a pass comes an interval after the one before, a collection with the first and every ten minutes', async () => {
  const { calls, failures } = await timesOf(23, async (index, clock) => {
    if (index === 1) await clock.sleep(45_000)
    return done
  })
  const times = calls.map(({ atMs }) => atMs)
  assert.deepEqual(times.slice(0, 4), [30_000, 60_000, 135_000, 165_000])
  const collections = calls.filter(({ request }) => request.collect).map(({ atMs }) => atMs)
  assert.deepEqual(collections, [30_000, 645_000])
  assert.ok(calls.every(({ request }) => !request.dryRun && request.topicName === undefined))
  assert.deepEqual(failures, [])
})

test('a pass that had more to do than time is followed at once', async () => {
  const { calls } = await timesOf(4, async (index) => ({ ...done, unfinished: index < 2 }))
  assert.deepEqual(
    calls.map(({ atMs }) => atMs),
    [30_000, 30_000, 30_000, 60_000],
  )
})

test('a pass that fails is reported, and the next one comes in its turn', async () => {
  const error = new Error('the disk is full')
  const { calls, failures } = await timesOf(2, async (index) => {
    if (index === 0) throw error
    return done
  })
  assert.deepEqual(
    calls.map(({ atMs }) => atMs),
    [30_000, 60_000],
  )
  assert.deepEqual(failures, [error])
})

test('stopping wakes it from its sleep, and an interval of 0 never runs', async () => {
  const clock = createVirtualClock()
  const stopping = new AbortController()
  const never = { run: () => Promise.reject(new Error('a pass was run')) }
  const reportFailure = (error: unknown) => assert.fail(String(error))
  const deps = { compaction: never, clock, stopping: stopping.signal, reportFailure }
  await runCompactionTimer(deps, { passMs: 0, collectMs: minute })
  const stopped = runCompactionTimer(deps, { passMs: 30_000, collectMs: minute })
  stopping.abort()
  await stopped
})
