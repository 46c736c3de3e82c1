// The consumer groups of one tenant's cluster: the group engine and the committed offsets put together, on the tenant's
// topics.

import { createLimiter } from '../base/concurrency.ts'
import { KafkaError } from '../base/errors.ts'
import { createCoordinator, type GroupCoordinator } from '../groups/coordinator.ts'
import type { GroupSettings } from '../groups/decide.ts'
import { listedGroups } from '../groups/groupLife.ts'
import type { LogEnds } from '../groups/logEnds.ts'
import { existingGroup } from '../groups/members.ts'
import { createOffsets } from '../groups/offsets.ts'
import type { LogRange, OffsetsDeps } from '../groups/offsetsDeps.ts'
import { removeGroup } from '../groups/removeGroup.ts'
import type { LogDeps } from '../log/deps.ts'
import type { StoredGroup, StoredMember } from '../metadata/groupState.ts'
import type { Catalog } from '../topics/catalog.ts'
import type { Cluster } from './cluster.ts'
import { describeGroup, describeMember } from './describeGroup.ts'
import { readSequencers, stateOf } from './fetchRound.ts'
import type { GroupDescription, Groups, PartitionLag } from './groups.ts'
import { createFindTopics } from './groupTopics.ts'
import type { TopicCache } from './topicCache.ts'

export interface GroupsDeps extends LogDeps {
  readonly catalog: Catalog
  readonly topics: TopicCache
  readonly ends: LogEnds
  readonly listOffsets: Cluster['listOffsets']
}

const readsAtOnce = 16

export function createGroups(deps: GroupsDeps, settings: GroupSettings, topicsMaxAgeMs: number): Groups {
  const findTopics = createFindTopics(deps.catalog, deps.clock, topicsMaxAgeMs)
  const coordinator = createCoordinator({ ...deps, findTopics }, settings)
  const grouped = offsetsDeps(deps, coordinator)
  const { commitOffsets, committedOffsets, deleteOffsets, resetOffsets, lags } = createOffsets(grouped)
  return {
    heartbeat: ({ groupId, ...request }) => coordinator.heartbeat(groupId, request),
    listGroups: () => listGroups(deps, coordinator),
    describeGroup: async (groupId) => describeGroup(groupId, await existingGroup(grouped, groupId)),
    deleteGroup: (groupId) => deleteGroup(grouped, groupId),
    ...{ commitOffsets, committedOffsets, deleteOffsets, resetOffsets },
    async lags(groupId) {
      const [ofPartitions, group] = await Promise.all([lags(groupId), coordinator.read(groupId)])
      const ownerOf = owners(group)
      return ofPartitions.map((lag): PartitionLag => {
        const member = ownerOf(lag.topicName, lag.partition)
        return { ...lag, member: member && describeMember(group, member) }
      })
    },
  }
}

function offsetsDeps(deps: GroupsDeps, groups: GroupCoordinator): OffsetsDeps {
  return {
    ...deps,
    groups,
    async logRanges(topic, partitions) {
      const sequencers = await readSequencers(
        deps,
        topic,
        partitions.map((partition) => ({ partition })),
      )
      return new Map(
        partitions.map((partition): readonly [number, LogRange] => {
          const { logStartOffset, nextOffset } = stateOf(topic, sequencers, partition)
          return [partition, { start: logStartOffset, end: nextOffset }]
        }),
      )
    },
    async offsetAt(topicName, partition, timestamp) {
      const { offset } = await deps.listOffsets(topicName, partition, { kind: 'timestamp', timestamp })
      return offset < 0 ? undefined : offset
    },
  }
}

async function listGroups(
  deps: GroupsDeps,
  coordinator: GroupCoordinator,
): Promise<readonly GroupDescription[]> {
  const limiter = createLimiter(readsAtOnce)
  const groupIds = await listedGroups(deps)
  return Promise.all(
    groupIds.map((groupId) => limiter(async () => describeGroup(groupId, await coordinator.read(groupId)))),
  )
}

async function deleteGroup(deps: OffsetsDeps, groupId: string): Promise<void> {
  const group = await existingGroup(deps, groupId)
  const isEmpty = group.members.size === 0
  if (isEmpty && (await removeGroup(deps, groupId, group))) return
  throw new KafkaError('NON_EMPTY_GROUP', `Group '${groupId}' has members.`)
}

/** Who owns a partition; one that is to be given up is still owned. */
function owners(group: StoredGroup): (topicName: string, partition: number) => StoredMember | undefined {
  const byPartition = new Map<string, StoredMember>()
  for (const member of group.members.values()) {
    for (const [topicId, partitions] of [...member.revoking, ...member.assigned]) {
      const name = group.topics.get(topicId)?.name
      for (const partition of partitions) byPartition.set(`${partition} ${name}`, member)
    }
  }
  return (topicName, partition) => byPartition.get(`${partition} ${topicName}`)
}
