// Workers that another one overtakes: in the middle of their reads, or in their own process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCompactionReport } from '../../../shared/compaction/deps.ts'
import { takePartition } from '../../../shared/compaction/partitionLease.ts'
import { createBlocks } from '../../../shared/log/blocks.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { createCompactor, defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import { defaultClusterSettings } from '../../../shared/service/settings.ts'
import {
  createMill,
  keyed,
  minute,
  pass,
  produceEach,
  readLog,
  settle,
  shown,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

test('of two that want a partition at once in one process one gets it', async () => {
  const mill = createMill()
  await createTopic(mill.cluster(), 't', 1)
  const { topicId } = await mill.cluster().describeTopic('t')
  const logDeps = mill.depsOn({})
  const deps = {
    ...logDeps,
    blocks: createBlocks(logDeps, defaultClusterSettings.fetch),
    settings: defaultCompactionSettings,
    owner: 'one process',
    report: newCompactionReport(),
    giveWay: () => undefined,
  }
  const taken = await Promise.all([1, 2, 3].map(() => takePartition(deps, { topicId, partition: 0 })))
  assert.deepEqual(taken.map(({ kind }) => kind).sort(), ['held', 'held', 'taken'])
})

test('a merge that is overtaken between its two reads gives way, and calls nothing damaged', async () => {
  const mill = createMill()
  await createTopic(mill.cluster(), 't', 1)
  await produceEach(mill.cluster(), [keyed('a', '0'), keyed('a', '1')])
  await settle(mill, mill.compactor())
  await produceEach(mill.cluster(), [keyed('a', '2'), keyed('a', '3')])
  mill.clock.advance(11 * minute)
  // Its clock is ahead, so that for it the other's lease is over.
  const ahead = { ...mill.clock, now: () => mill.clock.now() + 2 * minute }
  const other = createCompactor({ ...mill.depsOn({}), clock: ahead }, defaultCompactionSettings)
  const slow = mill.compactor({}, { table: overtakenBeforeSegments(mill.table, () => pass(mill, other)) })
  await pass(mill, slow)
  assert.deepEqual(mill.failures, [])
  assert.deepEqual([...slow.report.uncleanable], [])
  assert.deepEqual(shown(await readLog(mill.cluster())), ['0:a=0', '1:a=1', '2:a=2', '3:a=3'])

  function overtakenBeforeSegments(table: Table, happen: () => Promise<unknown>): Table {
    let happened = false
    return {
      ...table,
      async query(query) {
        if (query.from?.startsWith('segment/') && !happened) {
          happened = true
          await happen()
        }
        return table.query(query)
      },
    }
  }
})
