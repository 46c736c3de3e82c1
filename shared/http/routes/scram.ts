// SCRAM credentials of a cluster's users, in the terms of Kafka's DescribeUserScramCredentials and
// AlterUserScramCredentials. An answer never holds more than which mechanisms a user has, and how many iterations.

import { createRoute, z } from '@hono/zod-openapi'
import { scramIterations, scramMechanisms } from '../../security/scram.ts'
import type { ScramUpsertion } from '../../service/scram.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findCluster, placeOf } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { errorBody, errorSchema, refusal, refusals } from '../errors.ts'
import { clusterParams } from '../params.ts'
import { listSchema, metadataSchema } from '../resources.ts'

const tags = ['SCRAM credentials (v3)']
const path = '/clusters/{cluster_id}/user-scram-credentials'
const changesMax = 20

const user = z.string().min(1).max(255)
const mechanism = z.enum(scramMechanisms)
const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)

const credentialSchema = z
  .object({
    kind: z.literal('KafkaUserScramCredential'),
    metadata: metadataSchema,
    cluster_id: z.string(),
    user: z.string(),
    mechanism,
    iterations: z.int(),
  })
  .openapi('UserScramCredentialData')

const upsertion = z
  .object({
    user,
    mechanism,
    iterations: z.int().default(scramIterations.min),
    password: z.string().min(1).max(1024).optional(),
    salt: base64.optional(),
    salted_password: base64.optional(),
  })
  .refine(
    ({ password, salt, salted_password: salted }) =>
      password === undefined ? salt !== undefined && salted !== undefined : !salt && !salted,
    { error: 'takes either password, or salt and salted_password' },
  )

const alterations = z
  .object({
    upsertions: z.array(upsertion).max(changesMax).default([]),
    deletions: z.array(z.object({ user, mechanism })).max(changesMax).default([]),
  })
  .openapi('AlterUserScramCredentialsRequestData')

const describeCredentials = createRoute({
  method: 'get',
  path,
  operationId: 'getKafkaUserScramCredentials',
  summary: 'Describe SCRAM credentials',
  tags,
  request: { params: clusterParams },
  responses: {
    200: {
      description: 'By mechanism and user, without secrets.',
      content: {
        'application/json': {
          schema: listSchema('KafkaUserScramCredentialList', 'UserScramCredentialDataList', credentialSchema),
        },
      },
    },
    ...refusals,
    401: refusal(401),
    403: refusal(403),
  },
})

const alterCredentials = createRoute({
  method: 'post',
  path: `${path}:alter`,
  operationId: 'alterKafkaUserScramCredentials',
  summary: 'Set and delete SCRAM credentials',
  description: 'Of each user all changes are made, or none.',
  tags,
  request: {
    params: clusterParams,
    body: { required: true, content: { 'application/json': { schema: alterations } } },
  },
  responses: {
    200: {
      description: 'How it went, for each user.',
      content: {
        'application/json': {
          schema: z.object({ data: z.array(z.object({ user: z.string(), error: errorSchema.optional() })) }),
        },
      },
    },
    ...refusals,
    401: refusal(401),
    403: refusal(403),
  },
})

export function registerScramRoutes(app: App, deps: HttpDeps): void {
  app.openapi(describeCredentials, async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const place = placeOf(cluster, c.req.url)
    const self = `${place.url}/user-scram-credentials`
    const data = (await cluster.scram.describe()).map((credential) => ({
      kind: 'KafkaUserScramCredential' as const,
      metadata: { self, resource_name: null },
      cluster_id: place.clusterId,
      ...credential,
    }))
    const kind = 'KafkaUserScramCredentialList' as const
    return c.json({ kind, metadata: { self, next: null }, data }, 200)
  })

  app.openapi(withJsonBody(deps, alterCredentials), async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const { upsertions, deletions } = c.req.valid('json')
    const outcomes = await cluster.scram.alter(upsertions.map(parseUpsertion), deletions)
    const data = outcomes.map((outcome) => ({
      user: outcome.user,
      ...(outcome.error === undefined ? {} : { error: errorBody(outcome.error) }),
    }))
    return c.json({ data }, 200)
  })
}

function parseUpsertion(body: z.output<typeof upsertion>): ScramUpsertion {
  const { password, salt = '', salted_password: salted = '', ...rest } = body
  if (password !== undefined) return { ...rest, password }
  return { ...rest, salt: Buffer.from(salt, 'base64'), saltedPassword: Buffer.from(salted, 'base64') }
}
