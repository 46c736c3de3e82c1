import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startServerProcess } from '../support/serverProcess.ts'
import { runKillLoop } from './killLoop.ts'
import { createLedger } from './ledger.ts'

test('a server that is killed under load keeps every record that it acknowledged', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kill-loop-'))
  t.after(() => rm(folder, { recursive: true }))
  const start = () => startServerProcess({ DATA_DIR: folder })
  const summary = await runKillLoop({
    start,
    rounds: 3,
    compacts: true,
    report: (line) => t.diagnostic(line),
  })
  assert.deepEqual(summary.problems, [])
  assert.ok(summary.acknowledged > 0)
  assert.ok(summary.segmentsWritten > 0)
})

test('the ledger sees a record that is lost, moved, stored twice or left out', () => {
  const stored = (...values: string[]) => values.map((value, offset) => ({ offset, value }))
  const problemsOf = (records: { offset: number; value: string }[]) => {
    const ledger = createLedger()
    ledger.acknowledge(0, 0, ['a:', 'b:'])
    ledger.expect(0, ['c:'])
    ledger.check(0, records, true)
    return ledger.problems.length
  }
  assert.equal(problemsOf(stored('a:', 'b:', 'c:')), 0)
  assert.equal(problemsOf(stored('a:', 'b:', 'x:', 'c:')), 0)
  assert.equal(problemsOf(stored('a:', 'b:')), 1, 'an idempotent record is missing')
  assert.equal(problemsOf(stored('a:', 'c:')), 1, 'lost')
  assert.equal(problemsOf(stored('b:', 'a:', 'c:')), 2, 'moved')
  assert.equal(problemsOf(stored('a:', 'b:', 'c:', 'c:')), 1, 'twice')
  assert.equal(problemsOf([...stored('a:', 'b:'), { offset: 3, value: 'c:' }]), 1, 'a hole')
  const ledger = createLedger()
  ledger.acknowledge(0, 0, ['a:'])
  ledger.acknowledge(0, 0, ['b:'])
  assert.equal(ledger.problems.length, 1, 'an offset was given twice')
})
