// Consumer instances of the v2 dialect: create and delete, subscription and assignment. An instance lives in the table:
// base_uri is the address under which this caller reached the service, and any process behind it answers.

import type { RouteConfig } from '@hono/zod-openapi'
import type { StoredInstance } from '../../metadata/instanceItem.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals, v2Json } from '../errors.ts'
import { parseParams, registerRaw } from '../rawRoute.ts'
import {
  consumersOf,
  consumersParams,
  consumersPath,
  instanceCall,
  instanceRoute,
  noContent,
  readV2Body,
  v2Answer,
} from '../v2Instance.ts'
import { parseNewConsumer, parsePartitions, parseSubscription } from '../wire/v2Consumer.ts'
import {
  v2ConsumerSchema,
  v2NewConsumerSchema,
  v2PartitionsSchema,
  v2SubscribedSchema,
  v2SubscriptionSchema,
} from '../wire/v2Schemas.ts'

const create: RouteConfig = {
  method: 'post',
  path: consumersPath,
  operationId: 'createConsumer',
  summary: 'Create a consumer instance',
  description: 'It is forgotten when nobody calls it for five minutes.',
  tags: ['Consumers (v2)'],
  request: {
    params: consumersParams,
    body: { required: false, content: { [v2Json]: { schema: v2NewConsumerSchema } } },
  },
  responses: {
    200: { description: 'Created.', content: { [v2Json]: { schema: v2ConsumerSchema } } },
    ...refusals,
    409: refusal(409),
    415: refusal(415),
    422: refusal(422),
  },
}

const done = { 204: { description: 'Done.' } }

const remove = instanceRoute(
  'delete',
  '',
  { operationId: 'deleteConsumer', summary: 'Delete a consumer instance' },
  { responses: done },
)
const subscribe = instanceRoute(
  'post',
  '/subscription',
  { operationId: 'subscribe', summary: 'Subscribe to topics, or to those whose names match' },
  { body: v2SubscriptionSchema, responses: { ...done, 415: refusal(415) } },
)
const getSubscription = instanceRoute(
  'get',
  '/subscription',
  { operationId: 'listSubscriptions', summary: 'Get what a consumer instance is subscribed to' },
  {
    responses: { 200: { description: 'The topics.', content: { [v2Json]: { schema: v2SubscribedSchema } } } },
  },
)
const unsubscribe = instanceRoute(
  'delete',
  '/subscription',
  { operationId: 'unsubscribe', summary: 'Unsubscribe from everything' },
  { responses: done },
)
const assign = instanceRoute(
  'post',
  '/assignments',
  { operationId: 'assign', summary: 'Give a consumer instance partitions by hand' },
  { body: v2PartitionsSchema, responses: { ...done, 415: refusal(415) } },
)
const getAssignment = instanceRoute(
  'get',
  '/assignments',
  { operationId: 'listAssignments', summary: 'List the partitions of a consumer instance' },
  {
    responses: {
      200: { description: 'Its partitions.', content: { [v2Json]: { schema: v2PartitionsSchema } } },
    },
  },
)

export function registerV2ConsumerRoutes(app: App, deps: HttpDeps): void {
  registerLife(app, deps)
  registerSubscriptions(app, deps)
  registerAssignments(app, deps)
}

function registerLife(app: App, deps: HttpDeps): void {
  registerRaw(app, create, async (c) => {
    const { group_name } = parseParams(c, consumersParams)
    const { name, settings } = parseNewConsumer(await readV2Body(c, deps))
    const created = await consumersOf(c, deps).create(group_name, name, settings)
    const { origin, pathname } = new URL(c.req.url)
    const base = `${origin}${pathname}/instances/${encodeURIComponent(created)}`
    return v2Answer({ instance_id: created, base_uri: base })
  })

  registerRaw(app, remove, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    await consumers.delete(id)
    return noContent()
  })
}

function registerSubscriptions(app: App, deps: HttpDeps): void {
  registerRaw(app, subscribe, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    const subscription = parseSubscription(await readV2Body(c, deps))
    if (subscription === undefined) await consumers.unsubscribe(id)
    else await consumers.subscribe(id, subscription)
    return noContent()
  })

  registerRaw(app, getSubscription, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    return v2Answer(renderSubscription(await consumers.describe(id)))
  })

  registerRaw(app, unsubscribe, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    await consumers.unsubscribe(id)
    return noContent()
  })
}

function registerAssignments(app: App, deps: HttpDeps): void {
  registerRaw(app, assign, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    await consumers.assign(id, parsePartitions(await readV2Body(c, deps)))
    return noContent()
  })

  registerRaw(app, getAssignment, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    const { places } = await consumers.describe(id)
    const partitions = [...places].flatMap(([topic, partitions]) =>
      Array.from(partitions.keys(), (partition) => ({ topic, partition })),
    )
    return v2Answer({ partitions })
  })
}

/** Of a pattern: the topics of which it has partitions. */
function renderSubscription({ reads, topics, places, dialect }: StoredInstance) {
  const subscribed = reads === 'pattern' ? [...places.keys()] : topics
  if (dialect === 'confluent') return { topics: subscribed }
  const partitions = Array.from(places, ([topic, some]) => ({ [topic]: [...some.keys()] }))
  return { topics: subscribed, partitions }
}
