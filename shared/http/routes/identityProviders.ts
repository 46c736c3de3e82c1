// /iam/v2/identity-providers and their pools, for operators alone: whose tokens are trusted, and what they open.

import { createRoute, z } from '@hono/zod-openapi'
import type { IdentityPool } from '../../metadata/identityItems.ts'
import { clusterNotFound } from '../../tenants/clusters.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import {
  identityPoolResource,
  identityPoolSchema,
  identityProviderResource,
  identityProviderSchema,
  identityProvidersPath,
} from '../identityResources.ts'
import { cloudList, cloudListSchema, pageQuery, pageWanted } from '../listPages.ts'
import { operatorOf } from '../operator.ts'
import { originOf } from '../operatorResources.ts'

const tags = ['Identity providers (operator)']
const poolsPath = `${identityProvidersPath}/{provider_id}/identity-pools`
const name = z.string().min(1).max(64)
const description = z.string().max(256).default('')
const answers = { ...refusals, 401: refusal(401), 403: refusal(403) }
const gone = { description: 'Its tokens are refused everywhere within 5 s.' }
const json = <S extends z.ZodType>(schema: S) => ({ 'application/json': { schema } })

const createProvider = createRoute({
  method: 'post',
  path: identityProvidersPath,
  operationId: 'createIamV2IdentityProvider',
  summary: 'Trust an issuer of tokens',
  description: 'Its keys are found by OpenID Connect Discovery, when a token of it first comes.',
  tags,
  request: {
    body: {
      required: true,
      content: json(z.object({ display_name: name, description, issuer: z.string() })),
    },
  },
  responses: { 201: { description: 'Trusted.', content: json(identityProviderSchema) }, ...answers },
})

const listProviders = createRoute({
  method: 'get',
  path: identityProvidersPath,
  operationId: 'listIamV2IdentityProviders',
  summary: 'List trusted issuers',
  tags,
  request: { query: pageQuery },
  responses: {
    200: {
      description: 'By id.',
      content: json(cloudListSchema('IdentityProviderList', 'iam/v2', identityProviderSchema)),
    },
    ...answers,
  },
})

const deleteProvider = createRoute({
  method: 'delete',
  path: `${identityProvidersPath}/{id}`,
  operationId: 'deleteIamV2IdentityProvider',
  summary: 'Trust an issuer no longer, and delete its pools',
  tags,
  request: { params: z.object({ id: z.string() }) },
  responses: { 204: gone, ...answers },
})

const poolToCreate = z.object({
  display_name: name,
  description,
  identity_claim: z.string().openapi({ example: 'claims.sub' }),
  filter: z.string().default('true').openapi({ example: 'claims.group == "billing"' }),
  audience: z.string().min(1).max(256),
  resource: z.object({ id: z.string() }),
})

const createPool = createRoute({
  method: 'post',
  path: poolsPath,
  operationId: 'createIamV2IdentityPool',
  summary: 'Say what tokens of an issuer open',
  tags,
  request: {
    params: z.object({ provider_id: z.string() }),
    body: { required: true, content: json(poolToCreate) },
  },
  responses: { 201: { description: 'Made.', content: json(identityPoolSchema) }, ...answers },
})

const listPools = createRoute({
  method: 'get',
  path: poolsPath,
  operationId: 'listIamV2IdentityPools',
  summary: 'List the identity pools of an issuer',
  tags,
  request: { params: z.object({ provider_id: z.string() }), query: pageQuery },
  responses: {
    200: {
      description: 'By id.',
      content: json(cloudListSchema('IdentityPoolList', 'iam/v2', identityPoolSchema)),
    },
    ...answers,
  },
})

const deletePool = createRoute({
  method: 'delete',
  path: `${poolsPath}/{id}`,
  operationId: 'deleteIamV2IdentityPool',
  summary: 'Delete an identity pool',
  tags,
  request: { params: z.object({ provider_id: z.string(), id: z.string() }) },
  responses: { 204: gone, ...answers },
})

export function registerIdentityProviderRoutes(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, createProvider), async (c) => {
    const { identityProviders } = operatorOf(c)
    const { display_name, description: about, issuer } = c.req.valid('json')
    const provider = await identityProviders.create({ name: display_name, description: about, issuer })
    return c.json(identityProviderResource(provider, originOf(c.req.url)), 201)
  })

  app.openapi(listProviders, async (c) => {
    const page = await operatorOf(c).identityProviders.listPage(pageWanted(c.req.valid('query')))
    const list = { kind: 'IdentityProviderList', apiVersion: 'iam/v2', resource: identityProviderResource }
    return c.json(cloudList(c.req.url, page, list), 200)
  })

  app.openapi(deleteProvider, async (c) => {
    await operatorOf(c).identityProviders.delete(c.req.valid('param').id)
    return c.body(null, 204)
  })

  registerPools(app, deps)
}

function registerPools(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, createPool), async (c) => {
    const { identityProviders, clusters } = operatorOf(c)
    const { provider_id: providerId } = c.req.valid('param')
    const { display_name, description: about, identity_claim, resource, ...rest } = c.req.valid('json')
    if ((await clusters.get(resource.id)) === undefined) {
      throw clusterNotFound(resource.id)
    }
    const wanted = {
      name: display_name,
      description: about,
      identityClaim: identity_claim,
      clusterId: resource.id,
      ...rest,
    }
    const pool = await identityProviders.createPool(providerId, wanted)
    return c.json(identityPoolResource(pool, providerId, originOf(c.req.url)), 201)
  })

  app.openapi(listPools, async (c) => {
    const { provider_id: providerId } = c.req.valid('param')
    const wanted = pageWanted(c.req.valid('query'))
    const page = await operatorOf(c).identityProviders.listPoolPage(providerId, wanted)
    const resource = (pool: IdentityPool, origin: string) => identityPoolResource(pool, providerId, origin)
    return c.json(
      cloudList(c.req.url, page, { kind: 'IdentityPoolList', apiVersion: 'iam/v2', resource }),
      200,
    )
  })

  app.openapi(deletePool, async (c) => {
    const { provider_id: providerId, id } = c.req.valid('param')
    await operatorOf(c).identityProviders.deletePool(providerId, id)
    return c.body(null, 204)
  })
}
