// The compactor's function on memory, and the real Lambda client between the planner and its workers: each of them an
// environment of its own.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PartitionWorker } from '../../../shared/compaction/deps.ts'
import { parseCompactorEvent } from '../../../shared/runtime/compactorEvent.ts'
import { createCompactorFunction } from '../../../shared/runtime/compactorFunction.ts'
import { createLambdaWorker } from '../../../shared/runtime/lambdaWorker.ts'
import { effectiveConfig } from '../../../shared/topics/configs.ts'
import {
  createMill,
  hour,
  keyed,
  type Mill,
  type MillPorts,
  minute,
  readLog,
  shown,
} from '../../support/compactorTools.ts'
import { Refusal, startLambdaServer } from '../../support/lambdaServer.ts'
import { createTopic } from '../../support/logTools.ts'

const schedule = { 'detail-type': 'Scheduled Event' }
const contextOf = (remainingMs: number) => ({ getRemainingTimeInMillis: () => remainingMs })
const context = contextOf(15 * minute)
const notHere = async () => {
  throw new Error('a worker invokes nobody')
}

/** The mill's is the one cluster of the deployment. */
function functionDeps(mill: Mill, ports: Partial<MillPorts>, worker: PartitionWorker) {
  const { scope: _, ...deps } = mill.depsOn(ports)
  const only = {
    clusterId: 'test',
    organisationId: 'org-1',
    name: 'test',
    state: 'ACTIVE',
    createdMs: 0,
    deletedMs: undefined,
    kmsKeyArn: undefined,
    limits: {},
    version: 1,
  } as const
  return {
    ...deps,
    workerOf: () => worker,
    clusters: { list: () => Promise.resolve([only]), remove: () => Promise.resolve() },
  }
}

/** `stand` is asked before each worker's turn. */
async function startFunction(t: TestContext, mill: Mill, stand: (partition: number) => unknown = () => {}) {
  const workerFunction = createCompactorFunction(functionDeps(mill, {}, notHere))
  const server = await startLambdaServer(async (event) => {
    const parsed = parseCompactorEvent(event)
    if (parsed.kind === 'partition') await stand(parsed.partition)
    return workerFunction(event, context)
  })
  t.after(() => server.close())
  const names = { functionName: 'compactor', functionVersion: '7', graceMs: 1000 }
  const worker = createLambdaWorker({ client: server.client, clock: mill.clock, ...names })('test')
  const planner = (ports: Partial<MillPorts> = {}) =>
    createCompactorFunction(functionDeps(mill, ports, worker))
  return { server, worker, planner, workerFunction }
}

async function createWrittenMill(partitions: number) {
  const mill = createMill()
  const cluster = mill.cluster()
  const { topicId } = await createTopic(cluster, 't', partitions)
  for (let partition = 0; partition < partitions; partition++) {
    const [outcome] = await cluster.produceRecords('t', [{ ...keyed('k', `v${partition}`), partition }])
    assert.ok(outcome?.ok)
  }
  await cluster.idle()
  mill.clock.advance(11 * minute)
  return { mill, topicId }
}

async function mergedPartitions(mill: Mill): Promise<number[]> {
  const segments = (await mill.items()).filter(({ key }) => key.sk.startsWith('segment/'))
  return segments.map(({ key }) => Number(/\/p(\d+)$/.exec(key.pk)?.[1])).sort((a, b) => a - b)
}

test('a scheduled pass has every due partition worked on by an invocation, a bounded number at once', async (t) => {
  const { mill } = await createWrittenMill(40)
  const full = Promise.withResolvers<void>()
  const { server, planner } = await startFunction(t, mill, () => {
    if (server.invocationsAtOnceMost() === 16) full.resolve()
    return full.promise
  })
  const outcome = await planner()(schedule, context)
  assert.deepEqual(outcome, { sequencers: 3, unfinished: false, collected: 0 })
  assert.equal(server.requests.length, 40)
  const path = 'POST /2015-03-31/functions/compactor/invocations?Qualifier=7'
  assert.deepEqual([...new Set(server.requests)], [path])
  assert.equal(server.invocationsAtOnceMost(), 16)
  assert.deepEqual(
    await mergedPartitions(mill),
    Array.from({ length: 40 }, (_, i) => i),
  )
  assert.deepEqual(shown(await readLog(mill.cluster(), 't', 39)), ['0:k=v39'])
  assert.deepEqual(mill.failures, [])
})

test('a worker that fails or is refused is reported, others go on, and its partition is due again', async (t) => {
  const { mill } = await createWrittenMill(6)
  let isHealthy = false
  const { planner } = await startFunction(t, mill, (partition) => {
    if (isHealthy) return
    if (partition === 3) throw new Refusal(429, 'TooManyRequestsException')
    if (partition === 4) throw new Error('out of memory')
  })
  const plan = planner()
  await plan(schedule, context)
  assert.deepEqual(await mergedPartitions(mill), [0, 1, 2, 5])
  const reported = mill.failures.map(String).sort()
  assert.equal(reported.length, 2)
  assert.match(reported[0] ?? '', /^Error: the worker of test\/t-3: /)
  assert.match(reported[1] ?? '', /^Error: the worker of test\/t-4: Unhandled: .*out of memory/)
  // The spill that the pass began with has marked the sequencer once more.
  await plan(schedule, context)
  isHealthy = true
  mill.clock.advance(14 * minute)
  await plan(schedule, context)
  assert.deepEqual(await mergedPartitions(mill), [0, 1, 2, 5])
  mill.clock.advance(2 * minute)
  await plan(schedule, context)
  assert.deepEqual(await mergedPartitions(mill), [0, 1, 2, 3, 4, 5])
})

test('a worker that never answers is waited for until its deadline and the grace, and no longer', async (t) => {
  const mill = createMill()
  const server = await startLambdaServer(() => new Promise(() => {}))
  t.after(() => server.close())
  const names = { functionName: 'compactor', functionVersion: '7', graceMs: 20 }
  const worker = createLambdaWorker({ client: server.client, clock: mill.clock, ...names })('test')
  const config = effectiveConfig({})
  const turn = worker({ topicName: 't', topicId: 'x', partition: 2, config }, mill.clock.now() + 20, false)
  await assert.rejects(turn, /the worker of test\/t-2: /)
})

test('a deadline between two milliseconds is the earlier one', async (t) => {
  const { mill, topicId } = await createWrittenMill(1)
  const { worker, server } = await startFunction(t, mill)
  const config = effectiveConfig({})
  await worker({ topicName: 't', topicId, partition: 0, config }, mill.clock.now() + minute + 0.5, false)
  assert.equal(server.requests.length, 1)
})

test('the turn of a topic that was created again since does nothing, and an event brings no config', async (t) => {
  const { mill, topicId } = await createWrittenMill(1)
  const { workerFunction } = await startFunction(t, mill)
  const deadlineMs = mill.clock.now() + hour
  const turn = { kind: 'partition', clusterId: 'test', topicName: 't', topicId, partition: 0, deadlineMs }
  assert.deepEqual(await workerFunction({ ...turn, topicId: 'other' }, context), { dueMs: undefined })
  assert.deepEqual(await mergedPartitions(mill), [])
  await workerFunction({ ...turn, config: { retentionMs: 0, cleanupPolicy: { delete: true } } }, context)
  assert.deepEqual(shown(await readLog(mill.cluster())), ['0:k=v0'])
  assert.deepEqual(await workerFunction({ ...turn, partition: 1 }, context), { dueMs: undefined })
})

test('while one planner is at it another returns at once and has nobody work', async (t) => {
  const { mill } = await createWrittenMill(3)
  const working = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()
  const { server, planner } = await startFunction(t, mill, () => {
    working.resolve()
    return free.promise
  })
  const first = planner()(schedule, context)
  await working.promise
  mill.clock.advance(minute)
  const second = planner()
  assert.deepEqual(await second(schedule, context), { isPlannedByAnother: true })
  free.resolve()
  assert.deepEqual(await first, { sequencers: 1, unfinished: false, collected: 0 })
  assert.equal(server.requests.length, 3)
  assert.deepEqual(await second(schedule, context), { sequencers: 1, unfinished: false, collected: 0 })
})

test('a planner that was killed is in the way only as long as it could have lived', async (t) => {
  const { mill } = await createWrittenMill(1)
  const { planner } = await startFunction(t, mill)
  const asked = Promise.withResolvers<void>()
  const query = () => {
    asked.resolve()
    return new Promise<never>(() => {})
  }
  void planner({ table: { ...mill.table, query } })(schedule, contextOf(5 * minute))
  await asked.promise
  const next = planner()
  assert.deepEqual(await next(schedule, context), { isPlannedByAnother: true })
  mill.clock.advance(5 * minute)
  assert.deepEqual(await next(schedule, context), { sequencers: 1, unfinished: false, collected: 0 })
  assert.deepEqual(await mergedPartitions(mill), [0])
})

test('an environment collects in its first pass and then every ten minutes', async (t) => {
  const mill = createMill()
  let listings = 0
  const objects = {
    ...mill.objects,
    list: (...query: Parameters<typeof mill.objects.list>) => {
      listings++
      return mill.objects.list(...query)
    },
  }
  const plan = (await startFunction(t, mill)).planner({ objects })
  const listingsOfPass = async () => {
    listings = 0
    await plan(schedule, context)
    return listings
  }
  const first = await listingsOfPass()
  assert.ok(first > 0)
  mill.clock.advance(9 * minute)
  assert.equal(await listingsOfPass(), 0)
  mill.clock.advance(2 * minute)
  assert.equal(await listingsOfPass(), first)
})

test('foreign events and a time-out too short for any work are refused', async (t) => {
  const { planner } = await startFunction(t, createMill())
  await assert.rejects(planner()({ Records: [] }, context), /none of the compactor's/)
  await assert.rejects(planner()(schedule, contextOf(minute)), /60000 ms are left.*raise its timeout/)
})
