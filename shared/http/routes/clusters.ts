// GET /clusters, /clusters/{id} and the one logical broker: the addresses from which v3 clients find
// everything else. Left out: the configs of brokers and clusters, because there is nothing of a broker that
// could be configured.

import { createRoute } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { clustersUrl, findCluster, placeOf } from '../clusters.ts'
import type { App } from '../context.ts'
import { refusals } from '../errors.ts'
import { clusterParams, decimal } from '../params.ts'
import {
  brokerId,
  brokerResource,
  brokerSchema,
  clusterResource,
  clusterSchema,
  listResource,
  listSchema,
} from '../resources.ts'

const tags = ['Cluster (v3)']

const listClusters = createRoute({
  method: 'get',
  path: '/clusters',
  operationId: 'listKafkaClusters',
  summary: 'List clusters',
  tags,
  responses: {
    200: {
      description: "The caller's clusters.",
      content: {
        'application/json': { schema: listSchema('KafkaClusterList', 'ClusterDataList', clusterSchema) },
      },
    },
    ...refusals,
  },
})

const getCluster = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}',
  operationId: 'getKafkaCluster',
  summary: 'Get a cluster',
  tags,
  request: { params: clusterParams },
  responses: {
    200: { description: 'The cluster.', content: { 'application/json': { schema: clusterSchema } } },
    ...refusals,
  },
})

const listBrokers = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/brokers',
  operationId: 'listKafkaBrokers',
  summary: 'List brokers',
  description: 'One logical broker, which leads every partition: there are no servers to connect to.',
  tags,
  request: { params: clusterParams },
  responses: {
    200: {
      description: 'The logical broker.',
      content: {
        'application/json': { schema: listSchema('KafkaBrokerList', 'BrokerDataList', brokerSchema) },
      },
    },
    ...refusals,
  },
})

const getBroker = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/brokers/{broker_id}',
  operationId: 'getKafkaBroker',
  summary: 'Get a broker',
  tags,
  request: { params: clusterParams.extend({ broker_id: decimal("The broker's id.", brokerId) }) },
  responses: {
    200: { description: 'The logical broker.', content: { 'application/json': { schema: brokerSchema } } },
    ...refusals,
  },
})

export function registerClusterRoutes(app: App): void {
  app.openapi(listClusters, (c) => {
    // Ids alone: nobody's cluster is opened to be listed.
    const { clusterIds } = c.var.access
    const data = clusterIds.map((clusterId) => clusterResource(placeOf({ clusterId }, c.req.url)))
    return c.json(listResource('KafkaClusterList', clustersUrl(c.req.url), data), 200)
  })

  app.openapi(getCluster, (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    return c.json(clusterResource(placeOf(cluster, c.req.url)), 200)
  })

  app.openapi(listBrokers, (c) => {
    const place = placeOf(findCluster(c, c.req.valid('param').cluster_id), c.req.url)
    return c.json(listResource('KafkaBrokerList', `${place.url}/brokers`, [brokerResource(place)]), 200)
  })

  app.openapi(getBroker, (c) => {
    const { cluster_id, broker_id } = c.req.valid('param')
    const place = placeOf(findCluster(c, cluster_id), c.req.url)
    checkBroker(broker_id)
    return c.json(brokerResource(place), 200)
  })
}

export function checkBroker(id: number): void {
  if (id !== brokerId) throw new KafkaError('NOT_FOUND', `Broker ${id} cannot be found.`)
}
