// The v2 dialect's metadata at the root: Confluent REST Proxy v2's topics, partitions, offsets and brokers,
// and Strimzi's POST /admin/topics. Its answers are application/vnd.kafka.v2+json. Unknown fields are
// refused, as Strimzi does.

import { createRoute, z } from '@hono/zod-openapi'
import type { Topic } from '../../service/cluster.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findPartition, onlyCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { errorSchema, v2Json } from '../errors.ts'
import { partitionIdParam, topicNameParam } from '../params.ts'
import { brokerId } from '../resources.ts'
import { parseTopicToCreate } from './topics.ts'

const tags = ['Metadata (v2)']
const topicParams = z.object({ topic_name: topicNameParam })
const partitionParams = topicParams.extend({ partition_id: partitionIdParam })
const headers = { 'content-type': v2Json }

const partitionSchema = z
  .object({
    partition: z.int(),
    leader: z.int(),
    replicas: z.array(z.object({ broker: z.int(), leader: z.boolean(), in_sync: z.boolean() })),
  })
  .openapi('PartitionV2')

const v2Responses = <S extends z.ZodType>(description: string, schema: S) => ({
  200: { description, content: { [v2Json]: { schema } } },
  ...v2Refusals,
})

const v2Refusals = {
  400: { description: 'The request is malformed.', content: { [v2Json]: { schema: errorSchema } } },
  404: {
    description: 'There is no such topic or partition.',
    content: { [v2Json]: { schema: errorSchema } },
  },
  default: { description: 'Any other failure.', content: { [v2Json]: { schema: errorSchema } } },
}

const listBrokers = createRoute({
  method: 'get',
  path: '/brokers',
  operationId: 'listBrokersV2',
  summary: 'List brokers',
  tags,
  responses: v2Responses('The one logical broker.', z.object({ brokers: z.array(z.int()) })),
})

const listTopics = createRoute({
  method: 'get',
  path: '/topics',
  operationId: 'listTopicsV2',
  summary: 'List the names of the topics',
  tags,
  responses: v2Responses('The names, in order.', z.array(z.string())),
})

const getTopic = createRoute({
  method: 'get',
  path: '/topics/{topic_name}',
  operationId: 'getTopicV2',
  summary: 'Get a topic with its configs and partitions',
  tags,
  request: { params: topicParams },
  responses: v2Responses(
    'The topic.',
    z
      .object({
        name: z.string(),
        configs: z.record(z.string(), z.string()),
        partitions: z.array(partitionSchema),
      })
      .openapi('TopicV2'),
  ),
})

const listPartitions = createRoute({
  method: 'get',
  path: '/topics/{topic_name}/partitions',
  operationId: 'listPartitionsV2',
  summary: 'List the partitions of a topic',
  tags,
  request: { params: topicParams },
  responses: v2Responses('All partitions, by number.', z.array(partitionSchema)),
})

const getPartition = createRoute({
  method: 'get',
  path: '/topics/{topic_name}/partitions/{partition_id}',
  operationId: 'getPartitionV2',
  summary: 'Get a partition',
  tags,
  request: { params: partitionParams },
  responses: v2Responses('The partition.', partitionSchema),
})

const getOffsets = createRoute({
  method: 'get',
  path: '/topics/{topic_name}/partitions/{partition_id}/offsets',
  operationId: 'getOffsetsV2',
  summary: 'Get the first and the next offset of a partition',
  tags,
  request: { params: partitionParams },
  responses: v2Responses(
    'The offsets.',
    z.object({ beginning_offset: z.int(), end_offset: z.int() }).openapi('OffsetsV2'),
  ),
})

const newTopicSchema = z
  .strictObject({
    topic_name: z.string(),
    partitions_count: z.int().nullish(),
    replication_factor: z.int().nullish(),
  })
  .openapi('NewTopic')

const createTopic = createRoute({
  method: 'post',
  path: '/admin/topics',
  operationId: 'createTopicV2',
  summary: 'Create a topic',
  tags,
  request: {
    body: {
      required: true,
      content: {
        'application/vnd.kafka.json.v2+json': { schema: newTopicSchema },
        [v2Json]: { schema: newTopicSchema },
        'application/json': { schema: newTopicSchema },
      },
    },
  },
  responses: { 201: { description: 'Created.' }, ...v2Refusals },
})

export function registerV2MetadataRoutes(app: App, deps: HttpDeps): void {
  app.openapi(listBrokers, (c) => c.json({ brokers: [brokerId] }, 200, headers))

  app.openapi(listTopics, async (c) => {
    const topics = await onlyCluster(c).listTopics()
    return c.json(
      topics.map(({ name }) => name),
      200,
      headers,
    )
  })

  app.openapi(getTopic, async (c) => {
    const cluster = onlyCluster(c)
    const topic = await cluster.describeTopic(c.req.valid('param').topic_name)
    const described = await cluster.describeConfigs(topic.name)
    const configs = Object.fromEntries(described.configs.map(({ name, value }) => [name, value]))
    return c.json({ name: topic.name, configs, partitions: partitionsOf(topic) }, 200, headers)
  })

  app.openapi(listPartitions, async (c) => {
    const topic = await onlyCluster(c).describeTopic(c.req.valid('param').topic_name)
    return c.json(partitionsOf(topic), 200, headers)
  })

  app.openapi(getPartition, async (c) => {
    const { topic_name, partition_id } = c.req.valid('param')
    await findPartition(onlyCluster(c), topic_name, partition_id)
    return c.json(partitionOf(partition_id), 200, headers)
  })

  app.openapi(getOffsets, async (c) => {
    const { topic_name, partition_id } = c.req.valid('param')
    const cluster = onlyCluster(c)
    const [earliest, latest] = await Promise.all([
      cluster.listOffsets(topic_name, partition_id, { kind: 'earliest' }),
      cluster.listOffsets(topic_name, partition_id, { kind: 'latest' }),
    ])
    return c.json({ beginning_offset: earliest.offset, end_offset: latest.offset }, 200, headers)
  })

  app.openapi(withJsonBody(deps, createTopic), async (c) => {
    await onlyCluster(c).createTopic(parseTopicToCreate(c.req.valid('json')))
    return c.body(null, 201)
  })
}

function partitionsOf(topic: Topic) {
  return Array.from({ length: topic.partitionCount }, (_, partition) => partitionOf(partition))
}

function partitionOf(partition: number) {
  return { partition, leader: brokerId, replicas: [{ broker: brokerId, leader: true, in_sync: true }] }
}
