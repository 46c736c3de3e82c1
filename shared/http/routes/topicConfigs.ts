// Configs of a topic: list, get, set, reset, alter several at once, of all topics, and what a new topic would
// have. Which configs and values exist is the service's; here they are only named and shown.

import { createRoute, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { checkTopicName } from '../../topics/names.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findCluster, placeOf } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusals } from '../errors.ts'
import { clusterParams, topicParams } from '../params.ts'
import { listResource, listSchema, topicConfigResource, topicConfigSchema, topicPath } from '../resources.ts'

const tags = ['Configs (v3)']
const configParams = topicParams.extend({
  name: z.string().openapi({ description: "The config's name.", example: 'retention.ms' }),
})
const configListSchema = listSchema('KafkaTopicConfigList', 'TopicConfigDataList', topicConfigSchema)
const configList = (description: string) => ({
  200: { description, content: { 'application/json': { schema: configListSchema } } },
  ...refusals,
})
const changed = { 204: { description: 'Changed.' }, ...refusals }

const updateConfigSchema = z.object({ value: z.string().nullish() }).openapi('UpdateConfigRequestData')

const alterConfigsSchema = z
  .object({
    data: z.array(
      z.object({
        name: z.string(),
        value: z.string().nullish(),
        operation: z
          .enum(['SET', 'DELETE', 'APPEND', 'SUBTRACT'])
          .nullish()
          .openapi({ description: 'Absent: SET. APPEND and SUBTRACT change a list.' }),
      }),
    ),
    validate_only: z.boolean().optional(),
  })
  .openapi('AlterConfigBatchRequestData')

const listAllConfigs = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/topics/-/configs',
  operationId: 'listKafkaAllTopicConfigs',
  summary: 'List the configs of all topics',
  tags,
  request: { params: clusterParams },
  responses: configList('The configs of all topics, by topic and name.'),
})

const listConfigs = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/topics/{topic_name}/configs',
  operationId: 'listKafkaTopicConfigs',
  summary: 'List the configs of a topic',
  tags,
  request: { params: topicParams },
  responses: configList('The configs of the topic, by name.'),
})

const listDefaultConfigs = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/topics/{topic_name}/default-configs',
  operationId: 'listKafkaDefaultTopicConfigs',
  summary: 'List the configs that a new topic would have',
  tags,
  request: { params: topicParams },
  responses: configList('The defaults; the topic need not exist.'),
})

const getConfig = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/topics/{topic_name}/configs/{name}',
  operationId: 'getKafkaTopicConfig',
  summary: 'Get a config of a topic',
  tags,
  request: { params: configParams },
  responses: {
    200: { description: 'The config.', content: { 'application/json': { schema: topicConfigSchema } } },
    ...refusals,
  },
})

const updateConfig = createRoute({
  method: 'put',
  path: '/clusters/{cluster_id}/topics/{topic_name}/configs/{name}',
  operationId: 'updateKafkaTopicConfig',
  summary: 'Set a config of a topic',
  tags,
  request: {
    params: configParams,
    body: { required: true, content: { 'application/json': { schema: updateConfigSchema } } },
  },
  responses: changed,
})

const deleteConfig = createRoute({
  method: 'delete',
  path: '/clusters/{cluster_id}/topics/{topic_name}/configs/{name}',
  operationId: 'deleteKafkaTopicConfig',
  summary: 'Reset a config of a topic to its default',
  tags,
  request: { params: configParams },
  responses: changed,
})

const alterConfigs = createRoute({
  method: 'post',
  path: '/clusters/{cluster_id}/topics/{topic_name}/configs:alter',
  operationId: 'updateKafkaTopicConfigBatch',
  summary: 'Change several configs of a topic: all or none',
  tags,
  request: {
    params: topicParams,
    body: { required: true, content: { 'application/json': { schema: alterConfigsSchema } } },
  },
  responses: changed,
})

export function registerTopicConfigRoutes(app: App, deps: HttpDeps): void {
  registerConfigReads(app)
  registerConfigChanges(app, deps)
}

function registerConfigReads(app: App): void {
  // Before the route of one topic, which would take '-' for a name.
  app.openapi(listAllConfigs, async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const place = placeOf(cluster, c.req.url)
    const data = (await cluster.listConfigs()).flatMap(({ topicName, configs }) =>
      configs.map((entry) => topicConfigResource(place, topicName, entry)),
    )
    return c.json(listResource('KafkaTopicConfigList', `${place.url}/topics/-/configs`, data), 200)
  })

  app.openapi(listConfigs, async (c) => {
    const { cluster_id, topic_name } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const place = placeOf(cluster, c.req.url)
    const { configs } = await cluster.describeConfigs(topic_name)
    const data = configs.map((entry) => topicConfigResource(place, topic_name, entry))
    const self = `${place.url}${topicPath(topic_name)}/configs`
    return c.json(listResource('KafkaTopicConfigList', self, data), 200)
  })

  app.openapi(listDefaultConfigs, (c) => {
    const { cluster_id, topic_name } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const place = placeOf(cluster, c.req.url)
    checkTopicName(topic_name)
    const data = cluster.defaultConfigs().map((entry) => topicConfigResource(place, topic_name, entry))
    const self = `${place.url}${topicPath(topic_name)}/default-configs`
    return c.json(listResource('KafkaTopicConfigList', self, data), 200)
  })

  app.openapi(getConfig, async (c) => {
    const { cluster_id, topic_name, name } = c.req.valid('param')
    const cluster = findCluster(c, cluster_id)
    const { configs } = await cluster.describeConfigs(topic_name)
    const entry = configs.find((config) => config.name === name)
    if (entry === undefined) throw new KafkaError('NOT_FOUND', `Topic ${topic_name} has no such config.`)
    return c.json(topicConfigResource(placeOf(cluster, c.req.url), topic_name, entry), 200)
  })
}

function registerConfigChanges(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, updateConfig), async (c) => {
    const { cluster_id, topic_name, name } = c.req.valid('param')
    const { value = null } = c.req.valid('json')
    const operation = { name, operation: 'SET', value } as const
    await findCluster(c, cluster_id).alterConfigs(topic_name, [operation], false)
    return c.body(null, 204)
  })

  app.openapi(deleteConfig, async (c) => {
    const { cluster_id, topic_name, name } = c.req.valid('param')
    const operation = { name, operation: 'DELETE' } as const
    await findCluster(c, cluster_id).alterConfigs(topic_name, [operation], false)
    return c.body(null, 204)
  })

  app.openapi(withJsonBody(deps, alterConfigs), async (c) => {
    const { cluster_id, topic_name } = c.req.valid('param')
    const { data, validate_only = false } = c.req.valid('json')
    const operations = data.map(({ name, value = null, operation }) => ({
      name,
      value,
      operation: operation ?? ('SET' as const),
    }))
    await findCluster(c, cluster_id).alterConfigs(topic_name, operations, validate_only)
    return c.body(null, 204)
  })
}
