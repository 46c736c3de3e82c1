// Client quotas of a cluster in Kafka's entity model: DescribeClientQuotas and AlterClientQuotas. An entity is a user,
// a client-id or both; a name that is null is the default. Refuses what Kafka has no quota of.

import { createRoute, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import {
  type EntityQuotas,
  type QuotaAlteration,
  type QuotaEntity,
  type QuotaFilter,
  quotaKeys,
} from '../../quotas/entity.ts'
import { alterationsMax } from '../../quotas/quotaStore.ts'
import type { ClientQuotas, Cluster } from '../../service/cluster.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findCluster, placeOf } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { clusterParams, flag } from '../params.ts'
import { listSchema, metadataSchema, type Place } from '../resources.ts'

const tags = ['Client quotas']
const path = '/clusters/{cluster_id}/client-quotas'
const entityType = z.enum(['user', 'client-id'])
const quotaKey = z.enum(quotaKeys)

const entitySchema = z
  .array(
    z.object({
      entity_type: entityType,
      entity_name: z.string().nullable().openapi({ description: 'null: the default.', example: 'sa-4711' }),
    }),
  )
  .min(1)
  .max(2)

const quotaSchema = z
  .object({
    kind: z.literal('KafkaClientQuota'),
    metadata: metadataSchema,
    cluster_id: z.string(),
    entity: entitySchema,
    values: z.array(z.object({ key: quotaKey, value: z.number() })),
  })
  .openapi('ClientQuotaData')

const match = (what: string) =>
  z
    .enum(['DEFAULT', 'ANY'])
    .optional()
    .openapi({ description: `Instead of a name: the default ${what}, or any and the default.` })

const filterQuery = z.object({
  user: z.string().optional(),
  user_match: match('user'),
  client_id: z.string().optional(),
  client_id_match: match('client'),
  strict: flag('Leave out entities that have a part which is not asked for.'),
})

const alterBody = z.object({
  data: z
    .array(
      z.object({
        entity: entitySchema,
        ops: z
          .array(
            z.object({
              key: quotaKey,
              value: z.number().nullable().openapi({ description: 'null takes the quota away.' }),
            }),
          )
          .min(1)
          .max(quotaKeys.length),
      }),
    )
    .min(1)
    .max(alterationsMax),
  validate_only: z.boolean().default(false),
})

const quotaRefusals = { ...refusals, 401: refusal(401), 403: refusal(403) }

const describeQuotas = createRoute({
  method: 'get',
  path,
  operationId: 'describeClientQuotas',
  summary: 'Describe client quotas',
  tags,
  request: { params: clusterParams, query: filterQuery },
  responses: {
    200: {
      description: 'The entities that match, with their quotas.',
      content: {
        'application/json': {
          schema: listSchema('KafkaClientQuotaList', 'ClientQuotaDataList', quotaSchema),
        },
      },
    },
    ...quotaRefusals,
  },
})

const alterQuotas = createRoute({
  method: 'post',
  path,
  operationId: 'alterClientQuotas',
  summary: 'Alter client quotas',
  description: 'All of them or none; effective everywhere within 5 s.',
  tags,
  request: {
    params: clusterParams,
    body: { required: true, content: { 'application/json': { schema: alterBody } } },
  },
  responses: { 204: { description: 'They are stored, or could be.' }, ...quotaRefusals },
})

export function registerClientQuotaRoutes(app: App, deps: HttpDeps): void {
  app.openapi(describeQuotas, async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const place = placeOf(cluster, c.req.url)
    const found = await quotasOf(cluster).describe(parseFilter(c.req.valid('query')))
    const self = `${place.url}/client-quotas${new URL(c.req.url).search}`
    const data = found.map((one) => quotaResource(place, one))
    return c.json({ kind: 'KafkaClientQuotaList' as const, metadata: { self, next: null }, data }, 200)
  })

  app.openapi(withJsonBody(deps, alterQuotas), async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const { data, validate_only } = c.req.valid('json')
    const alterations = data.map(({ entity, ops }): QuotaAlteration => ({ entity: parseEntity(entity), ops }))
    await quotasOf(cluster).alter(alterations, validate_only)
    return c.body(null, 204)
  })
}

function quotasOf({ clientQuotas }: Cluster): ClientQuotas {
  if (clientQuotas !== undefined) return clientQuotas
  throw new KafkaError('SECURITY_DISABLED', 'Security is off here: nobody is held to quotas.')
}

function parseFilter(query: z.output<typeof filterQuery>): QuotaFilter {
  const { user, user_match, client_id, client_id_match, strict = false } = query
  const part = (name: string | undefined, kind: 'DEFAULT' | 'ANY' | undefined) => {
    if (name !== undefined) return { kind: 'exact', name } as const
    return kind && ({ kind: kind === 'ANY' ? 'any' : 'default' } as const)
  }
  const userMatch = part(user, user_match)
  const clientMatch = part(client_id, client_id_match)
  return { ...(userMatch && { user: userMatch }), ...(clientMatch && { clientId: clientMatch }), strict }
}

function parseEntity(parts: z.output<typeof entitySchema>): QuotaEntity {
  const nameOf = (type: z.output<typeof entityType>) => {
    const found = parts.filter(({ entity_type }) => entity_type === type)
    if (found.length > 1) throw new KafkaError('INVALID_REQUEST', `An entity has one ${type} at most.`)
    return found[0]?.entity_name
  }
  const [user, clientId] = [nameOf('user'), nameOf('client-id')]
  return { ...(user !== undefined && { user }), ...(clientId !== undefined && { clientId }) }
}

function quotaResource(place: Place, { entity: { user, clientId }, values }: EntityQuotas) {
  const part = (entity_type: z.output<typeof entityType>, entity_name: string | null | undefined) =>
    entity_name === undefined ? [] : [{ entity_type, entity_name }]
  const entity = [...part('user', user), ...part('client-id', clientId)]
  return {
    kind: 'KafkaClientQuota' as const,
    metadata: { self: `${place.url}/client-quotas`, resource_name: null },
    cluster_id: place.clusterId,
    entity,
    values: quotaKeys.flatMap((key) => (values[key] === undefined ? [] : [{ key, value: values[key] }])),
  }
}
