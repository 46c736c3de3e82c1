// Consumer groups and consumer instances as one caller may use them. What a group or an instance has to do with topics
// that the caller may not describe is left out of every answer, and named in no refusal.

import type { KafkaError } from '../base/errors.ts'
import type { StoredInstance } from '../metadata/instanceItem.ts'
import { type Ask, RefusedError } from './ask.ts'
import type { GroupDescription, Groups, MemberDescription, ResetRequest, TopicPartition } from './groups.ts'
import type { InstanceStore } from './instanceStore.ts'

export function authorizeGroups(groups: Groups, ask: Ask): Groups {
  return { ...authorizeMembers(groups, ask), ...authorizeOffsets(groups, ask) }
}

type Members = Pick<Groups, 'heartbeat' | 'listGroups' | 'describeGroup' | 'deleteGroup' | 'lags'>

function authorizeMembers(groups: Groups, ask: Ask): Members {
  const isShown = isDescribable(ask)
  return {
    async heartbeat(request) {
      ask.requireGroup('READ', request.groupId)
      for (const name of request.subscribedTopicNames ?? []) ask.requireTopic('DESCRIBE', name)
      // Its answer names topics that the caller did not.
      if (request.subscribedTopicRegex) ask.requireTopic('DESCRIBE', '*')
      const answer = await groups.heartbeat(request)
      return { ...answer, assignment: answer.assignment?.filter(isShown) }
    },
    async listGroups() {
      const listed = await groups.listGroups()
      const all = ask.cluster('DESCRIBE')
      return listed
        .filter(({ groupId }) => all || ask.group('DESCRIBE', groupId))
        .map((group) => shownGroup(ask, group))
    },
    async describeGroup(groupId) {
      ask.requireGroup('DESCRIBE', groupId)
      return shownGroup(ask, await groups.describeGroup(groupId))
    },
    async deleteGroup(groupId) {
      ask.requireGroup('DELETE', groupId)
      return groups.deleteGroup(groupId)
    },
    async lags(groupId) {
      ask.requireGroup('DESCRIBE', groupId)
      const shown = (await groups.lags(groupId)).filter(isShown)
      return shown.map((lag) => ({ ...lag, member: lag.member && shownMember(ask, lag.member) }))
    },
  }
}

type Offsets = Pick<Groups, 'commitOffsets' | 'committedOffsets' | 'deleteOffsets' | 'resetOffsets'>

function authorizeOffsets(groups: Groups, ask: Ask): Offsets {
  return {
    async commitOffsets(groupId, member, offsets) {
      ask.requireGroup('READ', groupId)
      return onReadable(ask, offsets, (readable) => groups.commitOffsets(groupId, member, readable))
    },
    async committedOffsets(groupId, member, partitions) {
      // As a member it takes partitions over, which is more than looking.
      ask.requireGroup(member === undefined ? 'DESCRIBE' : 'READ', groupId)
      for (const { topicName } of partitions ?? []) ask.requireTopic('DESCRIBE', topicName)
      return (await groups.committedOffsets(groupId, member, partitions)).filter(isDescribable(ask))
    },
    async deleteOffsets(groupId, partitions) {
      ask.requireGroup('DELETE', groupId)
      return onReadable(ask, partitions, (readable) => groups.deleteOffsets(groupId, readable))
    },
    async resetOffsets(request) {
      ask.requireGroup('READ', request.groupId)
      const topics = request.topics ?? (await committedTopics(groups, ask, request.groupId))
      for (const { topicName } of topics) ask.requireTopic('READ', topicName)
      return groups.resetOffsets({ ...request, topics })
    },
  }
}

/** All that the group has committed, as far as the caller can see it: Kafka's --all-topics. */
async function committedTopics(
  groups: Groups,
  ask: Ask,
  groupId: string,
): Promise<NonNullable<ResetRequest['topics']>> {
  const committed = await groups.committedOffsets(groupId, undefined, undefined)
  const byTopic = Map.groupBy(committed.filter(isDescribable(ask)), ({ topicName }) => topicName)
  return Array.from(byTopic, ([topicName, some]) => ({
    topicName,
    partitions: some.map(({ partition }) => partition),
  }))
}

const isDescribable =
  (ask: Ask) =>
  ({ topicName }: { readonly topicName: string }): boolean =>
    ask.topic('DESCRIBE', topicName)

function shownGroup(ask: Ask, group: GroupDescription): GroupDescription {
  return { ...group, members: group.members.map((member) => shownMember(ask, member)) }
}

function shownMember(ask: Ask, member: MemberDescription): MemberDescription {
  const isShown = isDescribable(ask)
  return {
    ...member,
    subscribedTopicNames: member.subscribedTopicNames.filter((name) => ask.topic('DESCRIBE', name)),
    assignment: member.assignment.filter(isShown),
    targetAssignment: member.targetAssignment.filter(isShown),
  }
}

type Outcome = TopicPartition & { readonly error: KafkaError | undefined }

/** Of partitions that may not be read each is refused alone; outcomes come in the order of what was asked. */
async function onReadable<P extends TopicPartition>(
  ask: Ask,
  partitions: readonly P[],
  work: (readable: readonly P[]) => Promise<readonly Outcome[]>,
): Promise<readonly Outcome[]> {
  const refusals = partitions.map(({ topicName }) => ask.topicRefusal('READ', topicName))
  const readable = partitions.filter((_, i) => refusals[i] === undefined)
  const none = readable.length === 0 && partitions.length > 0
  const outcomes = (none ? [] : await work(readable))[Symbol.iterator]()
  return partitions.flatMap(({ topicName, partition }, i) => {
    const error = refusals[i]
    if (error !== undefined) return [{ topicName, partition, error }]
    const { value } = outcomes.next()
    return value === undefined ? [] : [value]
  })
}

/** Who may read as a group may use its instances; what they read and commit is asked for when they do. */
export function authorizeInstances(instances: InstanceStore, ask: Ask): InstanceStore {
  const { requireGroup } = ask
  return {
    async create(id, instance) {
      requireGroup('READ', id.groupId)
      return instances.create(id, instance)
    },
    async read(id) {
      requireGroup('READ', id.groupId)
      return shownInstance(ask, await instances.read(id))
    },
    async update(id, change) {
      requireGroup('READ', id.groupId)
      return instances.update(id, async (instance) => {
        // Another caller's: what it does with topics that this one may not know of would show.
        if (shownInstance(ask, instance) !== instance) {
          const message = `Not authorized to access all topics of consumer ${id.name}.`
          const resource = { type: 'TOPIC', name: '*' } as const
          const denied = { operation: 'DESCRIBE', resource, decision: undefined } as const
          throw new RefusedError('TOPIC_AUTHORIZATION_FAILED', message, denied)
        }
        return change(instance)
      })
    },
    async delete(id, before) {
      requireGroup('READ', id.groupId)
      return instances.delete(id, before)
    },
  }
}

/** The same one, where everything of it may be seen. */
function shownInstance(ask: Ask, instance: StoredInstance): StoredInstance {
  const topics = instance.topics.filter((name) => ask.topic('DESCRIBE', name))
  const places = new Map([...instance.places].filter(([name]) => ask.topic('DESCRIBE', name)))
  const isWhole = topics.length === instance.topics.length && places.size === instance.places.size
  return isWhole ? instance : { ...instance, topics, places }
}
