// Offsets of consumer groups, in v3's style: commit, fetch, delete and reset. A partition that is refused has its own
// error; what refuses all of them is the answer's status. Who names a member is fenced by its epoch, and takes its
// partitions over when it fetches; who names none may write only while the group is empty.

import { createRoute, type z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import type { Cluster } from '../../service/cluster.ts'
import type {
  CommittedOffset,
  GroupMember,
  OffsetOutcome,
  ResetOffset,
  ResetTarget,
  TopicPartition,
} from '../../service/groups.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { errorBody, refusal, refusals } from '../errors.ts'
import { groupParams } from '../params.ts'
import {
  commitOffsetsSchema,
  committedOffsetsSchema,
  deleteOffsetsSchema,
  fetchOffsetsSchema,
  offsetOutcomesSchema,
  offsetsResetSchema,
  resetOffsetsSchema,
} from '../wire/groupOffsetSchemas.ts'

const tags = ['Consumer Group Offsets (v3)']
const path = '/clusters/{cluster_id}/consumer-groups/{consumer_group_id}/offsets'

/** Ten thousand partitions, without metadata to speak of. */
const offsetsBytesMax = 1024 * 1024

function route<V extends string, B extends z.ZodType, A extends z.ZodType>(
  verb: V,
  texts: { readonly operationId: string; readonly summary: string },
  schema: B,
  answer: A,
) {
  return createRoute({
    method: 'post',
    path: `${path}:${verb}`,
    ...texts,
    tags,
    request: { params: groupParams, body: { required: true, content: { 'application/json': { schema } } } },
    responses: {
      200: { description: 'By partition.', content: { 'application/json': { schema: answer } } },
      ...refusals,
      409: refusal(409),
      413: refusal(413),
      415: refusal(415),
    },
  })
}

const commit = route(
  'commit',
  { operationId: 'commitKafkaConsumerGroupOffsets', summary: 'Commit offsets' },
  commitOffsetsSchema,
  offsetOutcomesSchema,
)
const fetch = route(
  'fetch',
  { operationId: 'fetchKafkaConsumerGroupOffsets', summary: 'Fetch committed offsets, as a member or not' },
  fetchOffsetsSchema,
  committedOffsetsSchema,
)
const remove = route(
  'delete',
  { operationId: 'deleteKafkaConsumerGroupOffsets', summary: 'Delete committed offsets' },
  deleteOffsetsSchema,
  offsetOutcomesSchema,
)
const reset = route(
  'reset',
  {
    operationId: 'resetKafkaConsumerGroupOffsets',
    summary: 'Reset committed offsets, or show what that would do',
  },
  resetOffsetsSchema,
  offsetsResetSchema,
)

const list = createRoute({
  method: 'get',
  path,
  operationId: 'listKafkaConsumerGroupOffsets',
  summary: 'List the committed offsets of a consumer group',
  tags,
  request: { params: groupParams },
  responses: {
    200: { description: 'All of them.', content: { 'application/json': { schema: committedOffsetsSchema } } },
    ...refusals,
  },
})

export function registerGroupOffsetRoutes(app: App, deps: HttpDeps): void {
  registerCommits(app, deps)
  registerChanges(app, deps)
}

function registerCommits(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, commit, offsetsBytesMax), async (c) => {
    const { cluster_id, consumer_group_id } = c.req.valid('param')
    const body = c.req.valid('json')
    const offsets = body.offsets.map(({ topic_name, partition_id, offset, leader_epoch, metadata }) => {
      const place = { topicName: topic_name, partition: partition_id }
      return { ...place, offset, leaderEpoch: leader_epoch ?? -1, metadata: metadata ?? '' }
    })
    const { groups } = findCluster(c, cluster_id)
    const outcomes = await groups.commitOffsets(consumer_group_id, memberIn(body), offsets)
    return c.json({ offsets: outcomes.map(renderOutcome) }, 200)
  })

  app.openapi(withJsonBody(deps, fetch, offsetsBytesMax), async (c) => {
    const { cluster_id, consumer_group_id } = c.req.valid('param')
    const { partitions, ...member } = c.req.valid('json')
    const { groups } = findCluster(c, cluster_id)
    const wanted = partitions?.map(placeIn)
    const offsets = await groups.committedOffsets(consumer_group_id, memberIn(member), wanted)
    return c.json({ offsets: offsets.map(renderCommitted) }, 200)
  })

  app.openapi(list, async (c) => {
    const { cluster_id, consumer_group_id } = c.req.valid('param')
    const offsets = await committedIn(findCluster(c, cluster_id), consumer_group_id)
    return c.json({ offsets: offsets.map(renderCommitted) }, 200)
  })
}

function registerChanges(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, remove, offsetsBytesMax), async (c) => {
    const { cluster_id, consumer_group_id } = c.req.valid('param')
    const { groups } = findCluster(c, cluster_id)
    const partitions = c.req.valid('json').partitions.map(placeIn)
    const outcomes = await groups.deleteOffsets(consumer_group_id, partitions)
    return c.json({ offsets: outcomes.map(renderOutcome) }, 200)
  })

  app.openapi(withJsonBody(deps, reset, offsetsBytesMax), async (c) => {
    const { cluster_id, consumer_group_id: groupId } = c.req.valid('param')
    const { to, topics, dry_run: dryRun = true } = c.req.valid('json')
    const { groups } = findCluster(c, cluster_id)
    const named = topics?.map(({ topic_name, partitions }) => {
      return { topicName: topic_name, ...(partitions && { partitions }) }
    })
    const offsets = await groups.resetOffsets({ groupId, topics: named, target: targetOf(to), dryRun })
    return c.json({ dry_run: dryRun, offsets: offsets.map(renderReset) }, 200)
  })
}

// Who only looks is nobody's member; a group that is not there has no offsets to list.
async function committedIn({ groups }: Cluster, groupId: string): Promise<readonly CommittedOffset[]> {
  await groups.describeGroup(groupId)
  return groups.committedOffsets(groupId, undefined, undefined)
}

function memberIn(body: {
  readonly member_id?: string | null | undefined
  readonly member_epoch?: number | null | undefined
}): GroupMember | undefined {
  const { member_id: memberId, member_epoch: memberEpoch } = body
  if (typeof memberId === 'string' && typeof memberEpoch === 'number') return { memberId, memberEpoch }
  if ((memberId ?? memberEpoch ?? null) === null) return undefined
  throw new KafkaError('BAD_REQUEST', 'Request body: member_id and member_epoch go together.')
}

function targetOf(to: z.output<typeof resetOffsetsSchema>['to']): ResetTarget {
  const named = Object.entries(to).filter(([, value]) => value !== undefined)
  if (named.length !== 1)
    throw new KafkaError('BAD_REQUEST', 'Request body "to": expected exactly one target.')
  if (to.timestamp !== undefined) return { kind: 'timestamp', timestamp: to.timestamp }
  if (to.duration_ms !== undefined) return { kind: 'duration', durationMs: to.duration_ms }
  if (to.shift_by !== undefined) return { kind: 'shift', by: to.shift_by }
  if (to.offset !== undefined) return { kind: 'offset', offset: to.offset }
  if (to.current) return { kind: 'current' }
  return { kind: to.latest ? 'latest' : 'earliest' }
}

function placeIn(of: { readonly topic_name: string; readonly partition_id: number }): TopicPartition {
  return { topicName: of.topic_name, partition: of.partition_id }
}

function renderPlace({ topicName, partition }: TopicPartition) {
  return { topic_name: topicName, partition_id: partition }
}

function renderOutcome(outcome: OffsetOutcome) {
  const error = outcome.error && errorBody(outcome.error)
  return {
    ...renderPlace(outcome),
    error_code: error?.error_code ?? null,
    error_message: error?.message ?? null,
  }
}

function renderCommitted(committed: CommittedOffset) {
  const { offset, leaderEpoch, metadata, commitTimestamp } = committed
  const facts = { offset, leader_epoch: leaderEpoch, metadata, commit_timestamp: commitTimestamp }
  return { ...renderPlace(committed), ...facts }
}

function renderReset({ before, after, ...place }: ResetOffset) {
  return { ...renderPlace(place), before: before ?? null, after }
}
