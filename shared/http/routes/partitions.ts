// Partitions of v3: list, describe, offsets, the one replica, and DeleteRecords. `offset` answers Confluent's
// earliest_and_latest, and here also one offset at a time: earliest, latest, max_timestamp or the first one
// whose record is at least as late as `timestamp` (Kafka's ListOffsets, -1 where there is none).

import { createRoute, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import type { OffsetSpec } from '../../service/cluster.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findCluster, findPartition, placeOf } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { decimal, partitionParams, topicParams } from '../params.ts'
import {
  brokerId,
  listResource,
  listSchema,
  partitionOffsetSchema,
  partitionResource,
  partitionSchema,
  replicaResource,
  replicaSchema,
  topicPath,
} from '../resources.ts'
import { checkBroker } from './clusters.ts'

const tags = ['Partition (v3)']
const partitionPath = '/clusters/{cluster_id}/topics/{topic_name}/partitions/{partition_id}'

const listPartitions = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/topics/{topic_name}/partitions',
  operationId: 'listKafkaPartitions',
  summary: 'List the partitions of a topic',
  tags,
  request: { params: topicParams },
  responses: {
    200: {
      description: 'All partitions, by number.',
      content: {
        'application/json': {
          schema: listSchema('KafkaPartitionList', 'PartitionDataList', partitionSchema),
        },
      },
    },
    ...refusals,
  },
})

const getPartition = createRoute({
  method: 'get',
  path: partitionPath,
  operationId: 'getKafkaPartition',
  summary: 'Get a partition',
  tags,
  request: { params: partitionParams },
  responses: {
    200: { description: 'The partition.', content: { 'application/json': { schema: partitionSchema } } },
    ...refusals,
  },
})

const offsetKinds = { earliest: 'earliest', latest: 'latest', max_timestamp: 'maxTimestamp' } as const

const getOffset = createRoute({
  method: 'get',
  path: `${partitionPath}/offset`,
  operationId: 'getKafkaPartitionOffset',
  summary: 'Find offsets of a partition',
  tags,
  request: {
    params: partitionParams,
    query: z.object({
      offset_type: z
        .enum(['earliest_and_latest', 'earliest', 'latest', 'max_timestamp'])
        .optional()
        .openapi({ description: 'Absent, and without a timestamp: earliest_and_latest.' }),
      timestamp: decimal(
        'Milliseconds since 1970: the earliest offset that is not before it.',
        1_800_000_000_000,
      ).optional(),
    }),
  },
  responses: {
    200: {
      description: 'earliest_offset and latest_offset, or the one offset and its timestamp.',
      content: { 'application/json': { schema: partitionOffsetSchema } },
    },
    ...refusals,
  },
})

const listReplicas = createRoute({
  method: 'get',
  path: `${partitionPath}/replicas`,
  operationId: 'listKafkaReplicas',
  summary: 'List the replicas of a partition',
  tags,
  request: { params: partitionParams },
  responses: {
    200: {
      description: 'The one replica.',
      content: {
        'application/json': { schema: listSchema('KafkaReplicaList', 'ReplicaDataList', replicaSchema) },
      },
    },
    ...refusals,
  },
})

const getReplica = createRoute({
  method: 'get',
  path: `${partitionPath}/replicas/{broker_id}`,
  operationId: 'getKafkaReplica',
  summary: 'Get a replica of a partition',
  tags,
  request: { params: partitionParams.extend({ broker_id: decimal("The broker's id.", brokerId) }) },
  responses: {
    200: { description: 'The replica.', content: { 'application/json': { schema: replicaSchema } } },
    ...refusals,
  },
})

const deleteRecords = createRoute({
  method: 'post',
  path: `${partitionPath}/records:delete`,
  operationId: 'deleteKafkaRecords',
  summary: 'Delete the records before an offset',
  tags,
  request: {
    params: partitionParams,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z
            .object({
              before_offset: z
                .int()
                .min(-1)
                .openapi({ description: 'The new start of the log; -1: its end.', example: 100 }),
            })
            .openapi('DeleteRecordsRequestData'),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'The log begins at low_watermark now.',
      content: {
        'application/json': {
          schema: partitionSchema
            .pick({ metadata: true, cluster_id: true, topic_name: true, partition_id: true })
            .extend({ kind: z.literal('KafkaDeletedRecords'), low_watermark: z.int() })
            .openapi('DeletedRecordsData'),
        },
      },
    },
    ...refusals,
    416: refusal(416),
  },
})

export function registerPartitionRoutes(app: App, deps: HttpDeps): void {
  registerPartitionReads(app)
  registerReplicas(app)
  registerOffsets(app, deps)
}

function registerPartitionReads(app: App): void {
  app.openapi(listPartitions, async (c) => {
    const { cluster_id, topic_name } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const place = placeOf(cluster, c.req.url)
    const { partitionCount } = await cluster.describeTopic(topic_name)
    const data = Array.from({ length: partitionCount }, (_, id) => partitionResource(place, topic_name, id))
    const self = `${place.url}${topicPath(topic_name)}/partitions`
    return c.json(listResource('KafkaPartitionList', self, data), 200)
  })

  app.openapi(getPartition, async (c) => {
    const { cluster_id, topic_name, partition_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    await findPartition(cluster, topic_name, partition_id)
    return c.json(partitionResource(placeOf(cluster, c.req.url), topic_name, partition_id), 200)
  })
}

function registerReplicas(app: App): void {
  app.openapi(listReplicas, async (c) => {
    const { cluster_id, topic_name, partition_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    await findPartition(cluster, topic_name, partition_id)
    const place = placeOf(cluster, c.req.url)
    const self = partitionResource(place, topic_name, partition_id).replicas.related
    return c.json(
      listResource('KafkaReplicaList', self, [replicaResource(place, topic_name, partition_id)]),
      200,
    )
  })

  app.openapi(getReplica, async (c) => {
    const { cluster_id, topic_name, partition_id, broker_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    await findPartition(cluster, topic_name, partition_id)
    checkBroker(broker_id)
    return c.json(replicaResource(placeOf(cluster, c.req.url), topic_name, partition_id), 200)
  })
}

function registerOffsets(app: App, deps: HttpDeps): void {
  app.openapi(getOffset, async (c) => {
    const { cluster_id, topic_name, partition_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const spec = parseOffsetSpec(c.req.valid('query'))
    const resource = partitionResource(placeOf(cluster, c.req.url), topic_name, partition_id)
    const list = (asked: OffsetSpec) => cluster.listOffsets(topic_name, partition_id, asked)
    if (spec !== undefined) {
      const { offset, timestamp } = await list(spec)
      return c.json({ ...resource, offset, timestamp }, 200)
    }
    const [earliest, latest] = await Promise.all([list({ kind: 'earliest' }), list({ kind: 'latest' })])
    return c.json({ ...resource, earliest_offset: earliest.offset, latest_offset: latest.offset }, 200)
  })

  app.openapi(withJsonBody(deps, deleteRecords), async (c) => {
    const { cluster_id, topic_name, partition_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const { before_offset } = c.req.valid('json')
    const lowWatermark = await cluster.deleteRecords(topic_name, partition_id, before_offset)
    const { metadata } = partitionResource(placeOf(cluster, c.req.url), topic_name, partition_id)
    const kind = 'KafkaDeletedRecords' as const
    return c.json({ kind, metadata, cluster_id, topic_name, partition_id, low_watermark: lowWatermark }, 200)
  })
}

// undefined: Confluent's pair.
function parseOffsetSpec(query: {
  readonly offset_type?: keyof typeof offsetKinds | 'earliest_and_latest' | undefined
  readonly timestamp?: number | undefined
}): OffsetSpec | undefined {
  const { offset_type: type, timestamp } = query
  if (timestamp === undefined) {
    return type === undefined || type === 'earliest_and_latest' ? undefined : { kind: offsetKinds[type] }
  }
  if (type === undefined) return { kind: 'timestamp', timestamp }
  throw new KafkaError('BAD_REQUEST', 'Query parameters "offset_type" and "timestamp" exclude each other.')
}
