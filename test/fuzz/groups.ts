// The consumer groups and instances that the broken requests may change: a group with a member, one of offsets alone,
// and one whose instances are subscribed and assigned. They read the topic that nobody may change.

import assert from 'node:assert/strict'
import { KafkaError } from '../../shared/base/errors.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { Table } from '../../shared/ports/table.ts'
import type { Cluster } from '../../shared/service/cluster.ts'
import type { Groups } from '../../shared/service/groups.ts'

export const memberGroup = 'members'
export const offsetGroup = 'offsets'
export const instanceGroup = 'instances'
export const memberId = 'm'
export const assignedInstance = 'assigned'
export const subscribedInstance = 'subscribed'

/** Answers the status. */
type Request = (method: string, path: string, body: unknown) => Promise<number>

/** As they were at first, whatever has become of them. */
export async function restoreGroups(
  { groups, clusterId }: Cluster,
  table: Table,
  request: Request,
  topicName: string,
): Promise<void> {
  for (const { groupId } of await groups.listGroups()) await removeGroup(groups, groupId)
  // A group made again goes on with the epochs of its last life, and the templates' members begin at 1.
  const { listed } = createScope(clusterId).consumerGroup(memberGroup)
  await table.write({ kind: 'delete', key: listed })
  await groups.heartbeat({
    groupId: memberGroup,
    memberId,
    memberEpoch: 0,
    subscribedTopicNames: [topicName],
    rebalanceTimeoutMs: 60_000,
    topicPartitions: [],
    clientId: '',
    clientHost: '',
  })
  const offset = { topicName, partition: 0, offset: 1, leaderEpoch: -1, metadata: '' }
  await groups.commitOffsets(memberGroup, { memberId, memberEpoch: 1 }, [offset])
  await groups.commitOffsets(offsetGroup, undefined, [offset])
  const consumers = `/consumers/${instanceGroup}`
  for (const name of [assignedInstance, subscribedInstance]) {
    await request('DELETE', `${consumers}/instances/${name}`, {})
    assert.equal(await request('POST', consumers, { name, 'auto.offset.reset': 'earliest' }), 200)
  }
  const partitions = [{ topic: topicName, partition: 0 }]
  const assign = `${consumers}/instances/${assignedInstance}/assignments`
  assert.equal(await request('POST', assign, { partitions }), 204)
  const subscribe = `${consumers}/instances/${subscribedInstance}/subscription`
  assert.equal(await request('POST', subscribe, { topics: [topicName] }), 204)
}

async function removeGroup(groups: Groups, groupId: string): Promise<void> {
  const { members } = await groups.describeGroup(groupId)
  for (const member of members) {
    const { memberId, clientId, clientHost } = member
    await groups.heartbeat({ groupId, memberId, memberEpoch: -1, clientId, clientHost })
  }
  await groups.deleteGroup(groupId).catch((error) => {
    // A group without a member that has no offsets is none.
    if (!(error instanceof KafkaError && error.code === 'GROUP_ID_NOT_FOUND')) throw error
  })
}
