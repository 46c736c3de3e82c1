// What v3 shows of a consumer group: its members, what each is assigned, and how far the group is behind.

import { createRoute, type z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import type { MemberDescription, PartitionLag } from '../../service/groups.ts'
import { findCluster, placeOf } from '../clusters.ts'
import type { App } from '../context.ts'
import { refusals } from '../errors.ts'
import {
  assignmentResource,
  assignmentSchema,
  consumerResource,
  consumerSchema,
  groupPath,
  lagResource,
  lagSchema,
  lagSummaryResource,
  lagSummarySchema,
} from '../groupResources.ts'
import { consumerParams, groupParams, partitionIdParam, topicNameParam } from '../params.ts'
import { listResource, listSchema, type Place } from '../resources.ts'

const tags = ['Consumer Group (v3)']
const path = '/clusters/{cluster_id}/consumer-groups/{consumer_group_id}'
const consumerPath = `${path}/consumers/{consumer_id}`
const partitionPath = '{topic_name}/partitions/{partition_id}'
const ofPartition = { topic_name: topicNameParam, partition_id: partitionIdParam }

function shown<S extends z.ZodType>(description: string, schema: S) {
  return { 200: { description, content: { 'application/json': { schema } } }, ...refusals }
}

const listConsumers = createRoute({
  method: 'get',
  path: `${path}/consumers`,
  operationId: 'listKafkaConsumers',
  summary: 'List the members of a consumer group',
  tags,
  request: { params: groupParams },
  responses: shown('All members.', listSchema('KafkaConsumerList', 'ConsumerDataList', consumerSchema)),
})

const getConsumer = createRoute({
  method: 'get',
  path: consumerPath,
  operationId: 'getKafkaConsumer',
  summary: 'Get a member of a consumer group',
  tags,
  request: { params: consumerParams },
  responses: shown('The member.', consumerSchema),
})

const listAssignments = createRoute({
  method: 'get',
  path: `${consumerPath}/assignments`,
  operationId: 'listKafkaConsumerAssignment',
  summary: 'List what a member is assigned',
  tags,
  request: { params: consumerParams },
  responses: shown(
    'Its partitions.',
    listSchema('KafkaConsumerAssignmentList', 'ConsumerAssignmentDataList', assignmentSchema),
  ),
})

const getAssignment = createRoute({
  method: 'get',
  path: `${consumerPath}/assignments/${partitionPath}`,
  operationId: 'getKafkaConsumerAssignment',
  summary: 'Get one partition that a member is assigned',
  tags,
  request: { params: consumerParams.extend(ofPartition) },
  responses: shown('The assignment.', assignmentSchema),
})

const listLags = createRoute({
  method: 'get',
  path: `${path}/lags`,
  operationId: 'listKafkaConsumerLags',
  summary: 'List how far a consumer group is behind',
  tags,
  request: { params: groupParams },
  responses: shown(
    'Every partition with a committed offset.',
    listSchema('KafkaConsumerLagList', 'ConsumerLagDataList', lagSchema),
  ),
})

const getLag = createRoute({
  method: 'get',
  path: `${path}/lags/${partitionPath}`,
  operationId: 'getKafkaConsumerLag',
  summary: 'Get how far a consumer group is behind in a partition',
  tags,
  request: { params: groupParams.extend(ofPartition) },
  responses: shown('The lag.', lagSchema),
})

const getLagSummary = createRoute({
  method: 'get',
  path: `${path}/lag-summary`,
  operationId: 'getKafkaConsumerGroupLagSummary',
  summary: 'Get the largest and the total lag of a consumer group',
  tags,
  request: { params: groupParams },
  responses: shown('The lags, summed up.', lagSummarySchema),
})

export function registerGroupViewRoutes(app: App): void {
  registerConsumers(app)
  registerAssignments(app)
  registerLags(app)
}

function registerConsumers(app: App): void {
  app.openapi(listConsumers, async (c) => {
    const { cluster_id, consumer_group_id: groupId } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const place = placeOf(cluster, c.req.url)
    const { members } = await cluster.groups.describeGroup(groupId)
    const data = members.map((member) => consumerResource(place, groupId, member))
    return c.json(listResource('KafkaConsumerList', selfOf(place, groupId, '/consumers'), data), 200)
  })

  app.openapi(getConsumer, async (c) => {
    const { cluster_id, consumer_group_id: groupId, consumer_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const member = memberOf(await cluster.groups.describeGroup(groupId), consumer_id)
    return c.json(consumerResource(placeOf(cluster, c.req.url), groupId, member), 200)
  })
}

function registerAssignments(app: App): void {
  app.openapi(listAssignments, async (c) => {
    const { cluster_id, consumer_group_id: groupId, consumer_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const place = placeOf(cluster, c.req.url)
    const { memberId, assignment } = memberOf(await cluster.groups.describeGroup(groupId), consumer_id)
    const data = assignment.map((partition) => assignmentResource(place, groupId, memberId, partition))
    const self = selfOf(place, groupId, `/consumers/${encodeURIComponent(memberId)}/assignments`)
    return c.json(listResource('KafkaConsumerAssignmentList', self, data), 200)
  })

  app.openapi(getAssignment, async (c) => {
    const {
      cluster_id,
      consumer_group_id: groupId,
      consumer_id,
      topic_name,
      partition_id,
    } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const { memberId, assignment } = memberOf(await cluster.groups.describeGroup(groupId), consumer_id)
    const assigned = assignment.find(isOf(topic_name, partition_id))
    if (assigned === undefined)
      throw notThere(`Consumer ${memberId} is not assigned ${topic_name}-${partition_id}.`)
    return c.json(assignmentResource(placeOf(cluster, c.req.url), groupId, memberId, assigned), 200)
  })
}

function registerLags(app: App): void {
  app.openapi(listLags, async (c) => {
    const { cluster_id, consumer_group_id: groupId } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const place = placeOf(cluster, c.req.url)
    const data = (await cluster.groups.lags(groupId)).map((lag) => lagResource(place, groupId, lag))
    return c.json(listResource('KafkaConsumerLagList', selfOf(place, groupId, '/lags'), data), 200)
  })

  app.openapi(getLag, async (c) => {
    const { cluster_id, consumer_group_id: groupId, topic_name, partition_id } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const lag = (await cluster.groups.lags(groupId)).find(isOf(topic_name, partition_id))
    if (lag === undefined)
      throw notThere(`Group ${groupId} has committed nothing of ${topic_name}-${partition_id}.`)
    return c.json(lagResource(placeOf(cluster, c.req.url), groupId, lag), 200)
  })

  app.openapi(getLagSummary, async (c) => {
    const { cluster_id, consumer_group_id: groupId } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const lags = await cluster.groups.lags(groupId)
    const max = largest(lags)
    if (max === undefined) throw notThere(`Group ${groupId} has committed no offset yet: it has no lag.`)
    return c.json(lagSummaryResource(placeOf(cluster, c.req.url), groupId, lags, max), 200)
  })
}

function memberOf(
  { members }: { readonly members: readonly MemberDescription[] },
  id: string,
): MemberDescription {
  const member = members.find(({ memberId }) => memberId === id)
  if (member === undefined) throw notThere(`Consumer ${id} cannot be found.`)
  return member
}

function largest(lags: readonly PartitionLag[]): PartitionLag | undefined {
  return lags.reduce<PartitionLag | undefined>(
    (max, lag) => (max && max.lag >= lag.lag ? max : lag),
    undefined,
  )
}

function isOf(name: string, id: number) {
  return ({ topicName, partition }: { readonly topicName: string; readonly partition: number }): boolean =>
    topicName === name && partition === id
}

function selfOf(place: Place, groupId: string, path: string): string {
  return `${place.url}${groupPath(groupId)}${path}`
}

const notThere = (message: string): KafkaError => new KafkaError('NOT_FOUND', message)
