// What the routes of v2 consumer instances share: which instance a path means, bodies and answers in the dialect's
// media types. The caller's rights are those of the cluster that it reaches.

import { type RouteConfig, z } from '@hono/zod-openapi'
import { KafkaError } from '../base/errors.ts'
import type { ConsumerInstances, InstanceId } from '../service/consumerInstances.ts'
import { createConsumerInstances } from '../service/createConsumerInstances.ts'
import { readBody } from './bodies/body.ts'
import { jsonBodyBytesMax } from './bodies/jsonBody.ts'
import { onlyCluster } from './clusters.ts'
import type { HttpDeps } from './context.ts'
import { refusal, refusals, v2Json } from './errors.ts'
import { groupIdParam } from './params.ts'
import { mediaTypeOf, parseParams, type RawContext } from './rawRoute.ts'

export const consumersPath = '/consumers/{group_name}'
const instancePath = `${consumersPath}/instances/{instance}`

export const consumersParams = z.object({ group_name: groupIdParam })
const instanceParams = consumersParams.extend({
  instance: z.string().openapi({ description: "The consumer instance's name." }),
})

/** Offsets of ten thousand partitions. */
export const offsetsBytesMax = 1024 * 1024

export interface InstanceCall {
  readonly c: RawContext
  readonly consumers: ConsumerInstances
  readonly id: InstanceId
}

/** A route under an instance; `body` undefined: it takes none. */
export function instanceRoute(
  method: 'get' | 'post' | 'delete',
  path: string,
  texts: { readonly operationId: string; readonly summary: string; readonly description?: string },
  schemas: {
    readonly body?: z.ZodType
    readonly bodyRequired?: boolean
    readonly query?: z.ZodObject
    readonly responses: RouteConfig['responses']
  },
): RouteConfig {
  const { body, bodyRequired = true, query, responses } = schemas
  const content = body && { [v2Json]: { schema: body } }
  return {
    method,
    path: `${instancePath}${path}`,
    ...texts,
    tags: ['Consumers (v2)'],
    request: {
      params: instanceParams,
      ...(query && { query }),
      ...(content && { body: { required: bodyRequired, content } }),
    },
    responses: { ...responses, ...refusals, 409: refusal(409), 422: refusal(422) },
  }
}

export function consumersOf(c: RawContext, deps: HttpDeps, cluster = onlyCluster(c)): ConsumerInstances {
  return createConsumerInstances({ cluster, clock: deps.clock, random: deps.random })
}

export function instanceCall(c: RawContext, deps: HttpDeps, cluster = onlyCluster(c)): InstanceCall {
  const { group_name, instance } = parseParams(c, instanceParams)
  return { c, consumers: consumersOf(c, deps, cluster), id: { groupId: group_name, name: instance } }
}

const bodyTypes: readonly string[] = [
  v2Json,
  'application/json',
  'application/vnd.kafka+json',
  // Strimzi's examples.
  'application/vnd.kafka.json.v2+json',
]

/** Empty where there is none, whatever it would have been. */
export async function readV2Body(
  c: RawContext,
  deps: HttpDeps,
  bytesMax = jsonBodyBytesMax,
): Promise<Uint8Array> {
  const body = await readBody(c, deps, bytesMax)
  const type = mediaTypeOf(c.req.header('content-type'))
  if (body.length === 0 || type === undefined || bodyTypes.includes(type)) return body
  throw new KafkaError('UNSUPPORTED_MEDIA_TYPE', `HTTP 415 Unsupported Media Type: ${v2Json} is read here`)
}

export function v2Answer(body: unknown): Response {
  return Response.json(body, { headers: { 'content-type': v2Json } })
}

export const noContent = (): Response => new Response(null, { status: 204 })
