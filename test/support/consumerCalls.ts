// Two apps on one storage that answer the calls of consumer instances in turn: how the tests of the v2 consumers speak.
// Whatever one process kept to itself would show.
import assert from 'node:assert/strict'
import type { RecordToProduce } from '../../shared/service/cluster.ts'
import { createCall } from './call.ts'
import { countCalls } from './counting.ts'
import { createTestApp, memoryPorts } from './testCluster.ts'
import { createVirtualClock } from './virtualClock.ts'

type Call = ReturnType<typeof createCall>

export interface ConsumedRecord {
  readonly topic: string
  readonly key: unknown
  readonly value: unknown
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: readonly unknown[]
}

export async function startConsumers(tenant = 'test') {
  const clock = createVirtualClock()
  const counting = countCalls(memoryPorts())
  const ports = { objects: counting.objects, table: counting.table, clock }
  const apps = [createTestApp({}, {}, ports, tenant), createTestApp({}, {}, ports, tenant)] as const
  const [{ cluster }] = apps
  for (const [name, partitionCount] of [
    ['t', 2],
    ['u', 1],
  ] as const) {
    await cluster.createTopic({ name, partitionCount, configs: [], validateOnly: false })
  }
  const calls = apps.map(({ app }) => createCall(app))
  let turn = 0
  const call: Call = (...request) => {
    const next = calls[turn++ % calls.length]
    assert.ok(next !== undefined)
    return next(...request)
  }

  return {
    ...{ call, calls, clock, cluster, counting, ports, apps },
    failures: () => apps.flatMap(({ failures }) => failures),
    async produce(topic: string, ...values: readonly (readonly [number, string])[]): Promise<void> {
      const records = values.map(([partition, value]): RecordToProduce => {
        const headers = [{ key: 'h', value: Buffer.from('x') }]
        return { partition, timestamp: 1000, key: null, value: Buffer.from(value), headers }
      })
      for (const outcome of await cluster.produceRecords(topic, records)) assert.ok(outcome.ok)
    },
    /** Makes an instance that reads from the beginning, and answers how to call it. */
    async create(name: string, changes: object = {}, groupId = 'g') {
      const config = { name, format: 'json', 'auto.offset.reset': 'earliest', 'auto.commit.enable': 'false' }
      const made = await call('POST', `/consumers/${groupId}`, { ...config, ...changes })
      assert.equal(made.status, 200, JSON.stringify(made.body))
      return instanceCalls(call, `/consumers/${groupId}/instances/${name}`)
    },
  }
}

export function instanceCalls(call: Call, base: string) {
  const ask: Call = (method, path, body, headers) => call(method, `${base}${path}`, body, headers)
  const done = async (method: string, path: string, body?: unknown) => {
    const answer = await ask(method, path, body)
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }
  return {
    ask,
    done,
    subscribe: (...topics: string[]) => done('POST', '/subscription', { topics }),
    async poll(query = 'timeout=0'): Promise<readonly ConsumedRecord[]> {
      return (await done('GET', `/records?${query}`)).body
    },
    async assigned(): Promise<readonly string[]> {
      const { body } = await done('GET', '/assignments')
      return body.partitions.map(
        (one: { topic: string; partition: number }) => `${one.topic}-${one.partition}`,
      )
    },
  }
}

/** Sorted, as `t-0:v`. */
export const valuesOf = (records: readonly ConsumedRecord[]): readonly string[] =>
  records.map(({ topic, partition, value }) => `${topic}-${partition}:${value}`).sort()
