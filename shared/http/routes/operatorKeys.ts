// /iam/v2/service-accounts and /iam/v2/api-keys, for operators alone, in Confluent Cloud's shapes. A key's secret
// stands in the one answer that makes it and nowhere else. A key without a resource is an operator's.

import { createRoute, z } from '@hono/zod-openapi'
import { createLimiter } from '../../base/concurrency.ts'
import { KafkaError } from '../../base/errors.ts'
import { parseIsoInstant } from '../../base/isoTime.ts'
import type { ClusterItem } from '../../metadata/clusterItem.ts'
import type { Operator } from '../../service/access.ts'
import type { ClusterRegistry } from '../../tenants/clusters.ts'
import { requireWithin } from '../../tenants/limits.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { withJsonBody } from '../jsonBody.ts'
import { operatorOf } from '../operator.ts'
import {
  apiKeyResource,
  apiKeySchema,
  cloudList,
  cloudListSchema,
  serviceAccountResource,
  serviceAccountSchema,
} from '../operatorResources.ts'

const tags = ['Keys (operator)']
const accountsPath = '/iam/v2/service-accounts'
const keysPath = '/iam/v2/api-keys'
const params = z.object({ id: z.string() })
const clustersAtOnce = 16
const description = z.string().max(256).default('')
const answers = { ...refusals, 401: refusal(401), 403: refusal(403) }
const gone = { description: 'It is gone.' }

const createAccount = createRoute({
  method: 'post',
  path: accountsPath,
  operationId: 'createIamV2ServiceAccount',
  summary: 'Create a service account',
  tags,
  request: {
    body: {
      required: true,
      content: {
        'application/json': { schema: z.object({ display_name: z.string().min(1).max(64), description }) },
      },
    },
  },
  responses: {
    201: { description: 'Made.', content: { 'application/json': { schema: serviceAccountSchema } } },
    ...answers,
  },
})

const listAccounts = createRoute({
  method: 'get',
  path: accountsPath,
  operationId: 'listIamV2ServiceAccounts',
  summary: 'List service accounts',
  tags,
  responses: {
    200: {
      description: 'By id.',
      content: {
        'application/json': { schema: cloudListSchema('ServiceAccountList', 'iam/v2', serviceAccountSchema) },
      },
    },
    ...answers,
  },
})

const deleteAccount = createRoute({
  method: 'delete',
  path: `${accountsPath}/{id}`,
  operationId: 'deleteIamV2ServiceAccount',
  summary: 'Delete a service account',
  description: "Its API keys go first, in all clusters. Its ACL bindings stay, and are nobody's.",
  tags,
  request: { params },
  responses: { 204: gone, ...answers },
})

const keyToCreate = z.object({
  spec: z.object({
    description,
    owner: z.object({ id: z.string().regex(/^[\w.@-]{1,128}$/) }),
    resource: z.object({ id: z.string() }).optional(),
    expires_at: z.string().optional(),
  }),
})

const createKey = createRoute({
  method: 'post',
  path: keysPath,
  operationId: 'createIamV2ApiKey',
  summary: 'Create an API key',
  tags,
  request: { body: { required: true, content: { 'application/json': { schema: keyToCreate } } } },
  responses: {
    202: {
      description: 'The key, with its secret, this once.',
      content: { 'application/json': { schema: apiKeySchema } },
    },
    ...answers,
  },
})

const listKeys = createRoute({
  method: 'get',
  path: keysPath,
  operationId: 'listIamV2ApiKeys',
  summary: 'List the API keys of a cluster, or of the operators',
  tags,
  request: { query: z.object({ 'spec.resource': z.string().optional() }) },
  responses: {
    200: {
      description: 'By id, without secrets.',
      content: { 'application/json': { schema: cloudListSchema('ApiKeyList', 'iam/v2', apiKeySchema) } },
    },
    ...answers,
  },
})

const deleteKey = createRoute({
  method: 'delete',
  path: `${keysPath}/{id}`,
  operationId: 'deleteIamV2ApiKey',
  summary: 'Revoke an API key',
  tags,
  request: { params },
  responses: { 204: { description: 'It is refused everywhere within 5 s.' }, ...answers },
})

export function registerOperatorKeyRoutes(app: App, deps: HttpDeps): void {
  registerAccounts(app, deps)

  app.openapi(withJsonBody(deps, createKey), async (c) => {
    const { clusters, apiKeys } = operatorOf(c)
    const { description: about, owner, resource, expires_at } = c.req.valid('json').spec
    if (resource !== undefined) {
      const { limits } = await requireCluster(clusters, resource.id)
      requireWithin(limits, 'api_keys', (await apiKeys.list(resource.id)).length + 1)
    }
    const { key, secret } = await apiKeys.create({
      clusterId: resource?.id,
      owner: `User:${owner.id}`,
      description: about,
      expiresMs: expires_at === undefined ? undefined : parseExpiry(expires_at, deps.clock.now()),
    })
    return c.json(apiKeyResource(key, originOf(c.req.url), secret), 202)
  })

  app.openapi(listKeys, async (c) => {
    const { 'spec.resource': clusterId } = c.req.valid('query')
    const origin = originOf(c.req.url)
    const { clusters, apiKeys } = operatorOf(c)
    if (clusterId !== undefined) await requireCluster(clusters, clusterId)
    const data = (await apiKeys.list(clusterId)).map((key) => apiKeyResource(key, origin))
    return c.json(cloudList('ApiKeyList', 'iam/v2', data), 200)
  })

  app.openapi(deleteKey, async (c) => {
    await operatorOf(c).apiKeys.revoke(c.req.valid('param').id)
    return c.body(null, 204)
  })
}

function registerAccounts(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, createAccount), async (c) => {
    const { display_name, description: about } = c.req.valid('json')
    const account = await operatorOf(c).accounts.create(display_name, about)
    return c.json(serviceAccountResource(account, originOf(c.req.url)), 201)
  })

  app.openapi(listAccounts, async (c) => {
    const origin = originOf(c.req.url)
    const data = (await operatorOf(c).accounts.list()).map((account) =>
      serviceAccountResource(account, origin),
    )
    return c.json(cloudList('ServiceAccountList', 'iam/v2', data), 200)
  })

  app.openapi(deleteAccount, async (c) => {
    const operator = operatorOf(c)
    const { id } = c.req.valid('param')
    // Before the account, so that a deletion that was interrupted is repeated.
    if ((await operator.accounts.get(id)) !== undefined) await revokeKeysOf(operator, `User:${id}`)
    await operator.accounts.delete(id)
    return c.body(null, 204)
  })
}

async function revokeKeysOf({ clusters, apiKeys }: Operator, owner: string): Promise<void> {
  const limit = createLimiter(clustersAtOnce)
  const places = [undefined, ...(await clusters.list()).map(({ clusterId }) => clusterId)]
  const revokeIn = async (clusterId: string | undefined) => {
    const own = (await apiKeys.list(clusterId)).filter((key) => key.owner === owner)
    await Promise.all(own.map(({ keyId }) => apiKeys.revoke(keyId)))
  }
  await Promise.all(places.map((clusterId) => limit(() => revokeIn(clusterId))))
}

async function requireCluster(clusters: ClusterRegistry, clusterId: string): Promise<ClusterItem> {
  const cluster = await clusters.get(clusterId)
  if (cluster !== undefined && cluster.state !== 'DELETING') return cluster
  throw new KafkaError('NOT_FOUND', `Cluster ${clusterId} cannot be found.`)
}

function parseExpiry(text: string, nowMs: number): number {
  const ms = parseIsoInstant(text)
  if (ms !== undefined && ms > nowMs) return ms
  throw new KafkaError(
    'BAD_REQUEST',
    ms === undefined
      ? 'Request body "spec.expires_at": expected a time such as 2027-01-31T00:00:00Z'
      : `Request body "spec.expires_at": ${text} has passed`,
  )
}

const originOf = (url: string): string => new URL(url).origin
