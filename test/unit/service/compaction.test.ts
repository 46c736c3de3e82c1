// Runs of the compactor as whoever asks for them sees them: what they share their time between.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import type { PartitionWorker } from '../../../shared/compaction/deps.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { createCompaction } from '../../../shared/service/compaction.ts'
import { createCompactor, defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import { createMill, hour, keyed, minute, produceEach } from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

test('a collection that is due has some of the time, however much the pass before it would take', async () => {
  const mill = createMill()
  await createTopic(mill.cluster(), 't', 1, { 'millrace.write.path': 's3' })
  const dead: Table = { ...mill.table, write: () => Promise.reject(new StorageError('none', 'dead')) }
  await mill.cluster({ table: dead }).produceRecords('t', [keyed(null, 'orphan')])
  mill.clock.advance(4 * hour)
  await produceEach(mill.cluster(), [keyed(null, 'busy')])
  mill.clock.advance(11 * minute)
  const endless: PartitionWorker = async (_, deadlineMs) => {
    mill.clock.advance(deadlineMs - mill.clock.now())
    return { dueMs: mill.clock.now() }
  }
  const compactor = createCompactor(mill.depsOn({}), defaultCompactionSettings, endless)
  const compaction = createCompaction(compactor, mill.clock, 2 * minute)
  const startedMs = mill.clock.now()
  const { unfinished, collected } = await compaction.run({ collect: true, dryRun: false })
  assert.equal(unfinished, true)
  assert.equal(collected.names.length, 1)
  assert.ok(mill.clock.now() < startedMs + 2 * minute)
  const next = await compaction.run({ collect: false, dryRun: false })
  assert.equal(next.unfinished, true)
  assert.ok(mill.clock.now() >= startedMs + 3 * minute, 'without a collection the pass has all of it')
})
