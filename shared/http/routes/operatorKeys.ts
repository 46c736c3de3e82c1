// /iam/v2/service-accounts and /iam/v2/api-keys, in Confluent Cloud's shapes, for operators and for organisations. A
// key's secret stands in the one answer that makes it and nowhere else. A key whose resource is an organisation
// administers it; one without a resource is an operator's, and only operators make, see and revoke such.

import { createRoute, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { parseIsoInstant } from '../../base/isoTime.ts'
import type { ApiKeyItem } from '../../metadata/apiKeyItem.ts'
import { apiKeyNotFound } from '../../security/apiKeys.ts'
import { accountNotFound } from '../../tenants/serviceAccounts.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { cloudList, cloudListSchema, pageQuery, pageWanted } from '../listPages.ts'
import { administrationOf, operatorOf } from '../operator.ts'
import {
  apiKeyResource,
  apiKeySchema,
  organizationReference,
  originOf,
  serviceAccountResource,
  serviceAccountSchema,
} from '../operatorResources.ts'

const tags = ['Keys (administration)']
const accountsPath = '/iam/v2/service-accounts'
const keysPath = '/iam/v2/api-keys'
const params = z.object({ id: z.string() })
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
        'application/json': {
          schema: z.object({
            display_name: z.string().min(1).max(64),
            description,
            organization: organizationReference.optional(),
          }),
        },
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
  request: { query: pageQuery },
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

const getAccount = createRoute({
  method: 'get',
  path: `${accountsPath}/{id}`,
  operationId: 'getIamV2ServiceAccount',
  summary: 'Get a service account',
  tags,
  request: { params },
  responses: {
    200: {
      description: 'The service account.',
      content: { 'application/json': { schema: serviceAccountSchema } },
    },
    ...answers,
  },
})

const deleteAccount = createRoute({
  method: 'delete',
  path: `${accountsPath}/{id}`,
  operationId: 'deleteIamV2ServiceAccount',
  summary: 'Delete a service account',
  description:
    "Its API keys go first, in all clusters of its organization. Its ACL bindings stay, and are nobody's.",
  tags,
  request: { params },
  responses: { 204: gone, ...answers },
})

const keyToCreate = z.object({
  spec: z.object({
    description,
    owner: z.object({ id: z.string().regex(/^[\w.@-]{1,128}$/) }).openapi({
      description: "A service account of the resource's organization; of an operator's key any other name.",
    }),
    resource: z.object({ id: z.string() }).optional().openapi({
      description: "A cluster, or an organization itself; without one the key is an operator's.",
    }),
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
  summary: 'List the API keys of a cluster, of an organization itself, or of the operators',
  tags,
  request: { query: pageQuery.extend({ 'spec.resource': z.string().optional() }) },
  responses: {
    200: {
      description: 'By id, without secrets.',
      content: { 'application/json': { schema: cloudListSchema('ApiKeyList', 'iam/v2', apiKeySchema) } },
    },
    ...answers,
  },
})

const getKey = createRoute({
  method: 'get',
  path: `${keysPath}/{id}`,
  operationId: 'getIamV2ApiKey',
  summary: 'Get an API key, without its secret',
  tags,
  request: { params },
  responses: {
    200: { description: 'The key.', content: { 'application/json': { schema: apiKeySchema } } },
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
    const { description: about, owner, resource, expires_at } = c.req.valid('json').spec
    const { apiKeys } = administrationOf(c)
    const expiresMs = expires_at === undefined ? undefined : parseExpiry(expires_at, deps.clock.now())
    const wanted = { description: about, expiresMs }
    const { key, secret } =
      resource === undefined
        ? await operatorOf(c).operatorKeys.create({ ...wanted, owner: `User:${owner.id}` })
        : await apiKeys.create({ ...wanted, resourceId: resource.id, accountId: owner.id })
    return c.json(apiKeyResource(key, originOf(c.req.url), secret), 202)
  })

  app.openapi(listKeys, async (c) => {
    const { 'spec.resource': resourceId, ...query } = c.req.valid('query')
    const page = await (resourceId === undefined
      ? operatorOf(c).operatorKeys.listPage(pageWanted(query))
      : administrationOf(c).apiKeys.listPage(resourceId, pageWanted(query)))
    const resource = (key: ApiKeyItem, origin: string) => apiKeyResource(key, origin)
    return c.json(cloudList(c.req.url, page, { kind: 'ApiKeyList', apiVersion: 'iam/v2', resource }), 200)
  })

  app.openapi(getKey, async (c) => {
    const { id } = c.req.valid('param')
    const key = await administrationOf(c).apiKeys.get(id)
    if (key === undefined) throw apiKeyNotFound(id)
    return c.json(apiKeyResource(key, originOf(c.req.url)), 200)
  })

  app.openapi(deleteKey, async (c) => {
    await administrationOf(c).apiKeys.revoke(c.req.valid('param').id)
    return c.body(null, 204)
  })
}

function registerAccounts(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, createAccount), async (c) => {
    const { display_name: name, description: about, organization } = c.req.valid('json')
    const wanted = { organisationId: organization?.id, name, description: about }
    const account = await administrationOf(c).accounts.create(wanted)
    return c.json(serviceAccountResource(account, originOf(c.req.url)), 201)
  })

  app.openapi(listAccounts, async (c) => {
    const page = await administrationOf(c).accounts.listPage(pageWanted(c.req.valid('query')))
    const list = { kind: 'ServiceAccountList', apiVersion: 'iam/v2', resource: serviceAccountResource }
    return c.json(cloudList(c.req.url, page, list), 200)
  })

  app.openapi(getAccount, async (c) => {
    const { id } = c.req.valid('param')
    const account = await administrationOf(c).accounts.get(id)
    if (account === undefined) throw accountNotFound(id)
    return c.json(serviceAccountResource(account, originOf(c.req.url)), 200)
  })

  app.openapi(deleteAccount, async (c) => {
    await administrationOf(c).accounts.delete(c.req.valid('param').id)
    return c.body(null, 204)
  })
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
