// Topics of v3: list, create, describe, more partitions, delete. Creation answers 201 with Location, 200
// where it only validates. `replication_factor` is accepted and has no effect: the storage replicates.

import { createRoute, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import type { TopicToCreate } from '../../service/cluster.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findCluster, placeOf } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusals } from '../errors.ts'
import { clusterParams, flag, topicParams } from '../params.ts'
import { listResource, listSchema, topicResource, topicSchema } from '../resources.ts'

const tags = ['Topic (v3)']

const createTopicSchema = z
  .object({
    topic_name: z.string(),
    partitions_count: z
      .int()
      .optional()
      .openapi({ description: 'Absent or -1: the default of the service.', example: 6 }),
    replication_factor: z.int().optional().openapi({ description: 'Without effect.' }),
    configs: z.array(z.object({ name: z.string(), value: z.string().nullish() })).optional(),
    validate_only: z.boolean().optional(),
  })
  .openapi('CreateTopicRequestData')

const updatePartitionCountSchema = z
  .object({ partitions_count: z.int(), validate_only: z.boolean().optional() })
  .openapi('UpdatePartitionCountRequestData')

const authorizedOperations = 'Whether to name the operations that the caller may do.'

const listTopics = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/topics',
  operationId: 'listKafkaTopics',
  summary: 'List topics',
  tags,
  // Camel case here and snake case for one topic: both are the dialect's.
  request: {
    params: clusterParams,
    query: z.object({ includeAuthorizedOperations: flag(authorizedOperations) }),
  },
  responses: {
    200: {
      description: 'All topics, by name.',
      content: { 'application/json': { schema: listSchema('KafkaTopicList', 'TopicDataList', topicSchema) } },
    },
    ...refusals,
  },
})

const createTopic = createRoute({
  method: 'post',
  path: '/clusters/{cluster_id}/topics',
  operationId: 'createKafkaTopic',
  summary: 'Create a topic',
  tags,
  request: {
    params: clusterParams,
    body: { required: true, content: { 'application/json': { schema: createTopicSchema } } },
  },
  responses: {
    200: {
      description: 'The topic as it would be: nothing was created.',
      content: { 'application/json': { schema: topicSchema } },
    },
    201: {
      description: 'The created topic.',
      headers: z.object({ Location: z.string() }),
      content: { 'application/json': { schema: topicSchema } },
    },
    ...refusals,
  },
})

const getTopic = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/topics/{topic_name}',
  operationId: 'getKafkaTopic',
  summary: 'Get a topic',
  tags,
  request: {
    params: topicParams,
    query: z.object({ include_authorized_operations: flag(authorizedOperations) }),
  },
  responses: {
    200: { description: 'The topic.', content: { 'application/json': { schema: topicSchema } } },
    ...refusals,
  },
})

const updatePartitionCount = createRoute({
  method: 'patch',
  path: '/clusters/{cluster_id}/topics/{topic_name}',
  operationId: 'updatePartitionCountKafkaTopic',
  summary: 'Add partitions to a topic',
  description: 'The count may only grow. Keys map to other partitions from then on.',
  tags,
  request: {
    params: topicParams,
    body: { required: true, content: { 'application/json': { schema: updatePartitionCountSchema } } },
  },
  responses: {
    200: { description: 'The topic.', content: { 'application/json': { schema: topicSchema } } },
    ...refusals,
  },
})

const deleteTopic = createRoute({
  method: 'delete',
  path: '/clusters/{cluster_id}/topics/{topic_name}',
  operationId: 'deleteKafkaTopic',
  summary: 'Delete a topic',
  tags,
  request: { params: topicParams },
  responses: { 204: { description: 'The topic is gone.' }, ...refusals },
})

// Kafka's operations on a topic. Who has been let in may do all of them.
const topicOperations = [
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
]

export function registerTopicRoutes(app: App, deps: HttpDeps): void {
  app.openapi(listTopics, async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const place = placeOf(cluster, c.req.url)
    const asked = c.req.valid('query').includeAuthorizedOperations
    const data = (await cluster.listTopics()).map((topic) => ({
      ...topicResource(place, topic),
      ...operationsIf(asked),
    }))
    return c.json(listResource('KafkaTopicList', `${place.url}/topics`, data), 200)
  })

  app.openapi(withJsonBody(deps, createTopic), async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const asked = parseTopicToCreate(c.req.valid('json'))
    const topic = topicResource(placeOf(cluster, c.req.url), await cluster.createTopic(asked))
    if (asked.validateOnly) return c.json(topic, 200)
    return c.json(topic, 201, { location: topic.metadata.self })
  })

  app.openapi(getTopic, async (c) => {
    const { cluster_id, topic_name } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const resource = topicResource(placeOf(cluster, c.req.url), await cluster.describeTopic(topic_name))
    const asked = c.req.valid('query').include_authorized_operations
    return c.json({ ...resource, ...operationsIf(asked) }, 200)
  })

  app.openapi(withJsonBody(deps, updatePartitionCount), async (c) => {
    const { cluster_id, topic_name } = c.req.valid('param')
    const { partitions_count, validate_only = false } = c.req.valid('json')
    const cluster = findCluster(c, cluster_id)
    const topic = await cluster.createPartitions(topic_name, partitions_count, validate_only)
    return c.json(topicResource(placeOf(cluster, c.req.url), topic), 200)
  })

  app.openapi(deleteTopic, async (c) => {
    const { cluster_id, topic_name } = c.req.valid('param')
    await findCluster(c, cluster_id).deleteTopic(topic_name)
    return c.body(null, 204)
  })
}

/** Both dialects' creation; -1 is Kafka's word for the default. */
export function parseTopicToCreate(body: {
  readonly topic_name: string
  readonly partitions_count?: number | null | undefined
  readonly replication_factor?: number | null | undefined
  readonly configs?:
    | readonly { readonly name: string; readonly value?: string | null | undefined }[]
    | undefined
  readonly validate_only?: boolean | undefined
}): TopicToCreate {
  const { partitions_count: count, replication_factor: factor = -1 } = body
  if (factor !== null && factor !== -1 && (factor < 1 || factor > 32_767)) {
    throw new KafkaError('INVALID_REPLICATION_FACTOR', 'replication_factor must be from 1 to 32767, or -1.')
  }
  return {
    name: body.topic_name,
    ...(count === undefined || count === null || count === -1 ? {} : { partitionCount: count }),
    configs: (body.configs ?? []).map(({ name, value = null }) => ({ name, value })),
    validateOnly: body.validate_only ?? false,
  }
}

function operationsIf(asked: boolean | undefined) {
  return asked === true ? { authorized_operations: topicOperations } : {}
}
