// What a tenant keeps, sampled once an hour.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScope } from '../../../shared/metadata/scope.ts'
import { readUsage, sumUsage } from '../../../shared/metering/readUsage.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createCompactor, defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import { countCalls } from '../../support/counting.ts'
import { batch, createTopic, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

const hourMs = 3_600_000

test('bytes are sampled topic by topic, merged or not, once an hour, and followed from hour to hour', async () => {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const scope = createScope('test')
  const reportBackgroundFailure = (error: unknown) => {
    throw error
  }
  const deps = {
    ...counted,
    clock: ports.clock,
    random: systemRandom,
    scope,
    reportBackgroundFailure,
  }
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  const compactor = createCompactor(deps, { ...defaultCompactionSettings, reconcileAgeMs: 0 })
  await createTopic(cluster, 't', 2, { 'retention.ms': '-1' })
  await createTopic(cluster, 'empty', 2)
  const one = batch(['x'.repeat(1000)])
  const append = async (count: number) => {
    for (let i = 0; i < count; i++) await cluster.produceBatches('t', i % 2, one)
    await cluster.idle()
  }
  const retained = async () => {
    const hours = await readUsage(deps, 0, ports.clock.now() + 1)
    return sumUsage(hours, 'retained_bytes', hourMs, ['topic']).map(({ value, labels }) => [
      labels.topic,
      value,
    ])
  }
  const sample = () => compactor.sampleRetained(ports.clock.now() + 60_000)

  await append(40)
  await sample()
  assert.deepEqual(await retained(), [['t', 40 * one.length]])
  await append(10)
  await sample()
  assert.equal((await retained()).length, 1, 'once an hour')
  await compactor.run({ deadlineMs: ports.clock.now() + 60_000, topicName: 't' })
  ports.clock.advance(hourMs)
  await append(5)
  await sample()
  const [, second] = await retained()
  assert.deepEqual(second, ['t', 55 * one.length])
})
