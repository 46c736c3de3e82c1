// Consumer groups of v3: list, describe, delete; and the group protocol (KIP-848) in v3's style: heartbeat and leave.
// A heartbeat joins, tells what a member owns, and answers what it is to own.

import { createRoute, type RouteConfig, z } from '@hono/zod-openapi'
import type { Heartbeat, HeartbeatAnswer, TopicPartition } from '../../service/groups.ts'
import { readBody } from '../bodies/body.ts'
import { clientHostOf } from '../clientHost.ts'
import { findCluster, placeOf } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { groupResource, groupSchema } from '../groupResources.ts'
import { clusterParams, consumerParams, groupParams } from '../params.ts'
import { jsonAnswer, parsed, parseParams, registerRaw, requireJson } from '../rawRoute.ts'
import { listResource, listSchema } from '../resources.ts'
import { parseJson } from '../wire/json.ts'

const tags = ['Consumer Group (v3)']
const groupsPath = '/clusters/{cluster_id}/consumer-groups'
const groupPath = `${groupsPath}/{consumer_group_id}`
const verb = ':heartbeat'

/** Ten thousand partitions of many topics. */
const heartbeatBytesMax = 256 * 1024

const listGroups = createRoute({
  method: 'get',
  path: groupsPath,
  operationId: 'listKafkaConsumerGroups',
  summary: 'List the consumer groups',
  tags,
  request: { params: clusterParams },
  responses: {
    200: {
      description: 'All groups, by id.',
      content: {
        'application/json': {
          schema: listSchema('KafkaConsumerGroupList', 'ConsumerGroupDataList', groupSchema),
        },
      },
    },
    ...refusals,
  },
})

const getGroup = createRoute({
  method: 'get',
  path: groupPath,
  operationId: 'getKafkaConsumerGroup',
  summary: 'Get a consumer group',
  tags,
  request: { params: groupParams },
  responses: {
    200: { description: 'The group.', content: { 'application/json': { schema: groupSchema } } },
    ...refusals,
  },
})

const deleteGroup = createRoute({
  method: 'delete',
  path: groupPath,
  operationId: 'deleteKafkaConsumerGroup',
  summary: 'Delete a consumer group without members, and its offsets',
  tags,
  request: { params: groupParams },
  responses: { 204: { description: 'Deleted.' }, ...refusals, 409: refusal(409) },
})

const leaveGroup = createRoute({
  method: 'delete',
  path: `${groupPath}/consumers/{consumer_id}`,
  operationId: 'leaveKafkaConsumerGroup',
  summary: 'Leave a consumer group',
  tags,
  request: { params: consumerParams },
  responses: { 204: { description: 'The member is gone, its partitions are free.' }, ...refusals },
})

const topicPartitionsSchema = z
  .array(
    z
      .object({ topic_name: z.string(), partitions: z.array(z.int().min(0)).max(10_000) })
      .openapi('TopicPartitions'),
  )
  .max(10_000)

const heartbeatSchema = z
  .object({
    member_id: z.string().optional().openapi({
      description: "The member's own id; absent or empty when it joins: the answer has one.",
    }),
    member_epoch: z.int().min(-2).max(0x7fff_ffff).openapi({
      description: '0 joins, -1 leaves, -2 leaves for a while (static members); else as last answered.',
    }),
    instance_id: z.string().nullish().openapi({ description: 'Of a static member.' }),
    rack_id: z.string().nullish(),
    rebalance_timeout_ms: z.int().min(1).max(0x7fff_ffff).nullish(),
    subscribed_topic_names: z.array(z.string()).max(10_000).nullish(),
    subscribed_topic_regex: z.string().nullish().openapi({ description: 'RE2; matches whole names.' }),
    server_assignor: z.string().nullish().openapi({ description: 'uniform or range.' }),
    topic_partitions: topicPartitionsSchema.nullish().openapi({ description: 'What the member owns.' }),
    assignment_token: z.string().max(64).nullish().openapi({
      description:
        'Of the last answer that the member has taken: a heartbeat that comes late gives nothing up.',
    }),
    client_id: z.string().nullish(),
  })
  .openapi('ConsumerGroupHeartbeatRequestData')

const heartbeatAnswerSchema = z
  .object({
    member_id: z.string(),
    member_epoch: z.int(),
    heartbeat_interval_ms: z.int(),
    assignment: z
      .object({ topic_partitions: topicPartitionsSchema })
      .nullable()
      .openapi({ description: 'What the member is to own; null: what it said.' }),
    assignment_token: z.string().nullable().openapi({ description: 'To be repeated by the next heartbeat.' }),
  })
  .openapi('ConsumerGroupHeartbeatData')

const heartbeat: RouteConfig = {
  method: 'post',
  path: `${groupPath}${verb}`,
  operationId: 'heartbeatKafkaConsumerGroup',
  summary: 'Join a consumer group, stay in it, change what is read',
  description: 'Absent fields are as they were in the last heartbeat.',
  tags,
  request: {
    params: groupParams,
    body: { required: true, content: { 'application/json': { schema: heartbeatSchema } } },
  },
  responses: {
    200: {
      description: 'What the member is to do, and when the next heartbeat is due.',
      content: { 'application/json': { schema: heartbeatAnswerSchema } },
    },
    ...refusals,
    409: refusal(409),
    413: refusal(413),
    415: refusal(415),
  },
}

const heartbeatParams = groupParams.extend({
  consumer_group_id: z.string().transform((text) => text.slice(0, -verb.length)),
})

export function registerGroupRoutes(app: App, deps: HttpDeps): void {
  app.openapi(listGroups, async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const place = placeOf(cluster, c.req.url)
    const data = (await cluster.groups.listGroups()).map((group) => groupResource(place, group))
    return c.json(listResource('KafkaConsumerGroupList', `${place.url}/consumer-groups`, data), 200)
  })

  app.openapi(getGroup, async (c) => {
    const { cluster_id, consumer_group_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const group = await cluster.groups.describeGroup(consumer_group_id)
    return c.json(groupResource(placeOf(cluster, c.req.url), group), 200)
  })

  app.openapi(deleteGroup, async (c) => {
    const { cluster_id, consumer_group_id } = c.req.valid('param')
    await findCluster(c, cluster_id).groups.deleteGroup(consumer_group_id)
    return c.body(null, 204)
  })

  app.openapi(leaveGroup, async (c) => {
    const { cluster_id, consumer_group_id: groupId, consumer_id: memberId } = c.req.valid('param')
    const { groups } = findCluster(c, cluster_id)
    await groups.heartbeat({
      groupId,
      memberId,
      memberEpoch: -1,
      clientId: '',
      clientHost: clientHostOf(c, deps),
    })
    return c.body(null, 204)
  })

  registerRaw(app, heartbeat, async (c) => {
    const { cluster_id, consumer_group_id } = parseParams(c, heartbeatParams)
    const { groups } = findCluster(c, cluster_id)
    requireJson(c)
    const { value } = parseJson(await readBody(c, deps, heartbeatBytesMax), 'in the request body')
    const body = parsed('json', heartbeatSchema, value)
    const answer = await groups.heartbeat(heartbeatOf(consumer_group_id, body, clientHostOf(c, deps)))
    return jsonAnswer(JSON.stringify(renderAnswer(answer)))
  })
}

function heartbeatOf(groupId: string, body: z.output<typeof heartbeatSchema>, clientHost: string): Heartbeat {
  const owned = body.topic_partitions?.flatMap(({ topic_name, partitions }) =>
    partitions.map((partition) => ({ topicName: topic_name, partition })),
  )
  return {
    groupId,
    memberId: body.member_id ?? '',
    memberEpoch: body.member_epoch,
    clientId: body.client_id ?? '',
    clientHost,
    ...present('instanceId', body.instance_id),
    ...present('rackId', body.rack_id),
    ...present('rebalanceTimeoutMs', body.rebalance_timeout_ms),
    ...present('subscribedTopicNames', body.subscribed_topic_names),
    ...present('subscribedTopicRegex', body.subscribed_topic_regex),
    ...present('serverAssignor', body.server_assignor),
    ...present('topicPartitions', owned),
    ...present('assignmentToken', body.assignment_token),
  }
}

/** Absent and null mean the same: as it was. */
function present<K extends string, V>(name: K, value: V | null | undefined): Partial<Record<K, V>> {
  const field: Partial<Record<K, V>> = {}
  if (value !== null && value !== undefined) field[name] = value
  return field
}

function renderAnswer(answer: HeartbeatAnswer): z.output<typeof heartbeatAnswerSchema> {
  const { memberId, memberEpoch, heartbeatIntervalMs, assignment, assignmentToken } = answer
  return {
    member_id: memberId,
    member_epoch: memberEpoch,
    heartbeat_interval_ms: heartbeatIntervalMs,
    assignment: assignment === undefined ? null : { topic_partitions: byTopic(assignment) },
    assignment_token: assignmentToken ?? null,
  }
}

function byTopic(partitions: readonly TopicPartition[]) {
  return Array.from(
    Map.groupBy(partitions, ({ topicName }) => topicName),
    ([topic_name, some]) => ({ topic_name, partitions: some.map(({ partition }) => partition) }),
  )
}
