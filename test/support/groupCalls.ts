// A topic, and a group with a member over HTTP: how the tests of the group routes begin.
import assert from 'node:assert/strict'
import { createCall } from './call.ts'
import { createTestApp, memoryPorts } from './testCluster.ts'
import { createVirtualClock } from './virtualClock.ts'

const clusterPath = '/v3/clusters/local'

export async function startGroups() {
  const clock = createVirtualClock()
  const ports = { ...memoryPorts(), clock }
  const { app, cluster, failures } = createTestApp({}, {}, ports)
  await cluster.createTopic({ name: 't', partitionCount: 2, configs: [], validateOnly: false })
  const record = { timestamp: 1, key: null, value: Buffer.from('v'), headers: [] }
  await cluster.produceRecords(
    't',
    Array.from({ length: 10 }, (_, index) => ({ ...record, partition: index % 2 })),
  )
  const call = createCall(app, clusterPath)
  const heartbeat = (groupId: string, body: object) =>
    call('POST', `/consumer-groups/${encodeURIComponent(groupId)}:heartbeat`, body)

  return {
    ...{ app, ports, clock, cluster, failures, call, heartbeat },
    /** Answers the epoch that it has as a member. */
    async join(groupId: string, memberId: string, changes: object = {}): Promise<number> {
      const answer = await heartbeat(groupId, {
        member_id: memberId,
        member_epoch: 0,
        subscribed_topic_names: ['t'],
        rebalance_timeout_ms: 60_000,
        topic_partitions: [],
        client_id: `client of ${memberId}`,
        ...changes,
      })
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      return answer.body.member_epoch
    },
    async commit(groupId: string, body: object) {
      return call('POST', `/consumer-groups/${groupId}/offsets:commit`, body)
    },
    /** All that can be seen of a group. */
    async look(groupId: string) {
      const group = `/consumer-groups/${groupId}`
      const members = await call('GET', `${group}/consumers`)
      const ids: string[] = members.body.data.map((one: { consumer_id: string }) => one.consumer_id)
      const paths = [group, `${group}/offsets`, `${group}/lags`]
      const seen = [...paths, ...ids.map((id) => `${group}/consumers/${encodeURIComponent(id)}/assignments`)]
      const answers = await Promise.all(seen.map((path) => call('GET', path)))
      return [members.body, ...answers.map(({ body }) => body)]
    },
  }
}
