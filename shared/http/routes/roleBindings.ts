// /iam/v2/role-bindings, in Confluent Cloud's shape: how the first service account of a cluster gets its rights, from
// an operator or its organisation. A role becomes ACL bindings of the cluster, which are then all there is to see.

import { createRoute, z } from '@hono/zod-openapi'
import { clusterRoleNames } from '../../security/roles.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { administrationOf } from '../operator.ts'

/** Confluent's name of a cluster. */
const crnPattern =
  /^crn:\/\/[\w.-]{0,64}\/organization=([\w-]{1,64})(?:\/environment=[\w-]{1,64})?\/cloud-cluster=([\w-]{1,64})$/

const roleBindingSchema = z
  .object({
    api_version: z.literal('iam/v2'),
    kind: z.literal('RoleBinding'),
    principal: z.string(),
    role_name: z.enum(clusterRoleNames),
    crn_pattern: z.string(),
  })
  .openapi('IamV2RoleBinding')

const createBinding = createRoute({
  method: 'post',
  path: '/iam/v2/role-bindings',
  operationId: 'createIamV2RoleBinding',
  summary: 'Give a service account a role in a cluster',
  description:
    'The role becomes ACL bindings of the cluster. Who has CloudClusterAdmin there grants roles of resources by its ' +
    'own routes.',
  tags: ['Keys (administration)'],
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.object({
            principal: z
              .string()
              .regex(/^User:sa-[a-z2-7]{10}$/)
              .openapi({ example: 'User:sa-4hq2m6xk7a' }),
            role_name: z.enum(clusterRoleNames),
            crn_pattern: z
              .string()
              .regex(crnPattern)
              .openapi({ example: 'crn:///organization=org-4hq2m6xk7a/cloud-cluster=lkc-4hq2m6xk7a' }),
          }),
        },
      },
    },
  },
  responses: {
    201: { description: 'Given.', content: { 'application/json': { schema: roleBindingSchema } } },
    ...refusals,
    401: refusal(401),
    403: refusal(403),
  },
})

export function registerRoleBindingRoutes(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, createBinding), async (c) => {
    const { principal, role_name, crn_pattern } = c.req.valid('json')
    const [, organisationId = '', clusterId = ''] = crnPattern.exec(crn_pattern) ?? []
    const accountId = principal.replace(/^User:/, '')
    await administrationOf(c).clusters.grant({ organisationId, clusterId, accountId, role: role_name })
    const binding = { api_version: 'iam/v2' as const, kind: 'RoleBinding' as const }
    return c.json({ ...binding, principal, role_name, crn_pattern }, 201)
  })
}
