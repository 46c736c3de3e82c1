// /cmk/v2/clusters: the tenants of the deployment, in Confluent Cloud's shape, for operators and for organisations. A
// cluster is made, renamed and deleted, which goes on in the background; by operators alone it is limited, suspended
// (nobody may use it, its data is kept) and resumed.

import { createRoute, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { type ClusterItem, kmsKeyArnPattern } from '../../metadata/clusterItem.ts'
import { clusterNotFound } from '../../tenants/clusters.ts'
import { changeLimits } from '../../tenants/limits.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { cloudList, cloudListSchema, pageQuery, pageWanted } from '../listPages.ts'
import { administrationOf, operatorOf } from '../operator.ts'
import {
  cloudCluster,
  cloudClusterSchema,
  namesSomething,
  organizationReference,
  originOf,
} from '../operatorResources.ts'

const tags = ['Clusters (administration)']
const path = '/cmk/v2/clusters'
const params = z.object({ id: z.string().openapi({ example: 'lkc-4hq2m6xk7a' }) })
const displayName = z.string().min(1).max(64)
const encryptionKeyArn = z
  .string()
  .regex(kmsKeyArnPattern, { error: 'is the ARN of a KMS key' })
  .openapi({
    description:
      'A KMS key under which the records of the cluster are encrypted on AWS, for good. It is one of those that the ' +
      "stage's setting tenantKeyArns names. A local server encrypts nothing.",
    example: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  })

const answers = {
  200: { description: 'The cluster.', content: { 'application/json': { schema: cloudClusterSchema } } },
  ...refusals,
  401: refusal(401),
  403: refusal(403),
}

const createCluster = createRoute({
  method: 'post',
  path,
  operationId: 'createCmkV2Cluster',
  summary: 'Create a cluster',
  tags,
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.object({
            spec: z.object({
              display_name: displayName,
              organization: organizationReference.optional(),
              encryption_key_arn: encryptionKeyArn.optional(),
            }),
          }),
        },
      },
    },
  },
  responses: { ...answers, 202: { ...answers[200], description: 'It is there now.' } },
})

const listClusters = createRoute({
  method: 'get',
  path,
  operationId: 'listCmkV2Clusters',
  summary: 'List clusters',
  tags,
  request: { query: pageQuery },
  responses: {
    ...answers,
    200: {
      description: 'Clusters of the organization; of the deployment, for an operator. By id.',
      content: {
        'application/json': { schema: cloudListSchema('ClusterList', 'cmk/v2', cloudClusterSchema) },
      },
    },
  },
})

const one = (method: 'get' | 'delete', operationId: string, summary: string) =>
  ({ method, path: `${path}/{id}`, operationId, summary, tags, request: { params } }) as const

const getCluster = createRoute({
  ...one('get', 'getCmkV2Cluster', 'Get a cluster'),
  responses: answers,
})

const deleteCluster = createRoute({
  ...one('delete', 'deleteCmkV2Cluster', 'Delete a cluster with everything in it'),
  responses: {
    ...answers,
    204: { description: 'Nobody can use it any more; its data goes in the background.' },
  },
})

const patchCluster = createRoute({
  method: 'patch',
  path: `${path}/{id}`,
  operationId: 'updateCmkV2Cluster',
  summary: 'Rename a cluster or change its limits',
  tags,
  request: {
    params,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.object({
            spec: z
              .object({
                display_name: displayName.optional(),
                encryption_key_arn: encryptionKeyArn
                  .optional()
                  .openapi({ description: 'No other than it was made with.' }),
                limits: z
                  .record(z.string(), z.int().positive().nullable())
                  .optional()
                  .openapi({ description: 'Those that are named; null brings the default back.' }),
              })
              .refine(...namesSomething),
          }),
        },
      },
    },
  },
  responses: answers,
})

const change = (verb: 'suspend' | 'resume', summary: string) =>
  createRoute({
    method: 'post',
    path: `${path}/{id}/${verb}`,
    operationId: `${verb}CmkV2Cluster`,
    summary,
    tags,
    request: { params },
    responses: answers,
  })

const changes = [
  { route: change('suspend', 'Suspend a cluster'), state: 'SUSPENDED' },
  { route: change('resume', 'Resume a suspended cluster'), state: 'ACTIVE' },
] as const

export function registerOperatorClusterRoutes(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, createCluster), async (c) => {
    const { display_name, organization, encryption_key_arn } = c.req.valid('json').spec
    const wanted = { organisationId: organization?.id, name: display_name }
    // A key is named to AWS by the deployment's own settings: its operators say which.
    const made =
      encryption_key_arn === undefined
        ? await administrationOf(c).clusters.create(wanted)
        : await operatorOf(c).clusters.create({ ...wanted, kmsKeyArn: encryption_key_arn })
    return c.json(cloudCluster(made, originOf(c.req.url)), 202)
  })

  app.openapi(listClusters, async (c) => {
    const page = await administrationOf(c).clusters.listPage(pageWanted(c.req.valid('query')))
    const list = { kind: 'ClusterList', apiVersion: 'cmk/v2', resource: cloudCluster }
    return c.json(cloudList(c.req.url, page, list), 200)
  })

  app.openapi(getCluster, async (c) => {
    const { id } = c.req.valid('param')
    const cluster = await administrationOf(c).clusters.get(id)
    if (cluster === undefined) throw clusterNotFound(id)
    return c.json(cloudCluster(cluster, originOf(c.req.url)), 200)
  })

  app.openapi(withJsonBody(deps, patchCluster), async (c) => {
    const { display_name, limits, encryption_key_arn } = c.req.valid('json').spec
    const { id } = c.req.valid('param')
    const renamed = (now: ClusterItem) => {
      checkSameKey(now, encryption_key_arn)
      return { name: display_name ?? now.name }
    }
    const cluster =
      limits === undefined
        ? await administrationOf(c).clusters.update(id, renamed)
        : await operatorOf(c).clusters.update(id, (now) => ({
            ...renamed(now),
            limits: changeLimits(now.limits, limits),
          }))
    return c.json(cloudCluster(cluster, originOf(c.req.url)), 200)
  })

  app.openapi(deleteCluster, async (c) => {
    await administrationOf(c).clusters.update(c.req.valid('param').id, () => ({ state: 'DELETING' }))
    return c.body(null, 204)
  })

  for (const { route, state } of changes) {
    app.openapi(route, async (c) => {
      const { clusters } = operatorOf(c)
      const cluster = await clusters.update(c.req.valid('param').id, (now) => changed(now, state))
      return c.json(cloudCluster(cluster, originOf(c.req.url)), 200)
    })
  }
}

function checkSameKey({ clusterId, kmsKeyArn }: ClusterItem, wanted: string | undefined): void {
  if (wanted === undefined || wanted === kmsKeyArn) return
  const message = `spec.encryption_key_arn: cluster ${clusterId} keeps the key that it was made with.`
  throw new KafkaError('INVALID_REQUEST', message)
}

function changed({ clusterId, state }: ClusterItem, to: 'ACTIVE' | 'SUSPENDED') {
  if (state !== 'DELETING') return { state: to }
  throw new KafkaError('INVALID_REQUEST', `Cluster ${clusterId} is being deleted.`)
}
