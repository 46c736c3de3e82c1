import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createQuiet } from '../../../shared/runtime/quiet.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

test('calls of whoever can wait come a millisecond later after a request, else at once', async () => {
  const clock = createVirtualClock()
  const quiet = createQuiet(clock)
  const { table, objects } = quiet.waiting({ ...memoryPorts(), clock })
  const key = { pk: 'p', sk: 's' }
  const calls = {
    get: () => table.get(key),
    query: () => table.query({ pk: 'p', limit: 1 }),
    write: () => table.write({ kind: 'put', key, attributes: {} }),
    putIfAbsent: () => objects.putIfAbsent('a', [new Uint8Array(1)]),
    getRange: () => objects.getRange('a', 0, 1),
    list: () => objects.list('', { limit: 1 }),
    delete: () => objects.delete(['a']),
  }
  const msOf = async (call: () => Promise<unknown>) => {
    const startMs = clock.now()
    await call()
    return clock.now() - startMs
  }
  for (const [name, call] of Object.entries(calls)) {
    assert.equal(await msOf(call), 0, name)
    quiet.noteRequest()
    assert.equal(await msOf(call), 1, name)
    await clock.sleep(5)
    assert.equal(await msOf(call), 0, name)
  }
})

test('a turn that is given away is a millisecond after a request, other sleeps are as they are', async () => {
  const slept: number[] = []
  const clock = {
    now: () => 0,
    sleep: async (ms: number) => void slept.push(ms),
  }
  const quiet = createQuiet(clock)
  const waiting = quiet.waiting({ ...memoryPorts(), clock }).clock
  await waiting.sleep(0)
  quiet.noteRequest()
  await waiting.sleep(0)
  await waiting.sleep(10)
  assert.deepEqual(slept, [0, 1, 10])
})
