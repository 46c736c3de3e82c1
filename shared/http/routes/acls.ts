// ACL bindings of a cluster, as Confluent REST v3 has them: search, create one or many, delete by filter; and the
// bindings of a role. Refuses an operation or a type that Kafka has not, a role without what it is about, and a
// deletion that does not say what it is about.

import { createRoute, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { type AclBinding, type AclFilter, aclOperations, resourceTypes } from '../../security/acl.ts'
import { bindingsOfRole, type RoleBinding, roleNames } from '../../security/roles.ts'
import type { Acls, Cluster } from '../../service/cluster.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findCluster, placeOf } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { clusterParams } from '../params.ts'
import { listSchema, metadataSchema, type Place } from '../resources.ts'

const tags = ['ACL (v3)']
const path = '/clusters/{cluster_id}/acls'

const resourceType = z.enum(resourceTypes)
const patternType = z.enum(['LITERAL', 'PREFIXED'])
const operation = z.enum(aclOperations)
const permission = z.enum(['ALLOW', 'DENY'])

const aclFields = {
  resource_type: resourceType,
  resource_name: z.string(),
  pattern_type: patternType,
  principal: z.string(),
  host: z.string(),
  operation,
  permission,
}

const aclToCreateSchema = z.object(aclFields).openapi('CreateAclRequestData', {
  example: {
    resource_type: 'TOPIC',
    resource_name: 'orders-',
    pattern_type: 'PREFIXED',
    principal: 'User:sa-4711',
    host: '*',
    operation: 'READ',
    permission: 'ALLOW',
  },
})

const aclSchema = z
  .object({ kind: z.literal('KafkaAcl'), metadata: metadataSchema, cluster_id: z.string(), ...aclFields })
  .openapi('AclData')

const grantSchema = z
  .object({
    role_name: z.enum(roleNames),
    principal: z.string(),
    resource: z
      .object({
        resource_type: resourceType,
        resource_name: z.string(),
        pattern_type: patternType.default('LITERAL'),
      })
      .optional()
      .openapi({ description: 'What the role is about; roles of the whole cluster take none.' }),
  })
  .openapi('GrantRoleRequestData')

const any = 'ANY'
const filterQuery = z.object({
  resource_type: z.enum([any, ...resourceTypes]).optional(),
  resource_name: z.string().optional(),
  pattern_type: z.enum([any, 'MATCH', 'LITERAL', 'PREFIXED']).optional(),
  principal: z.string().optional(),
  host: z.string().optional(),
  operation: z.enum([any, ...aclOperations]).optional(),
  permission: z.enum([any, 'ALLOW', 'DENY']).optional(),
})
type FilterQuery = z.output<typeof filterQuery>

/** So that nobody deletes everything by leaving something out: ANY must be said. */
const deleteQuery = filterQuery.required({
  resource_type: true,
  pattern_type: true,
  operation: true,
  permission: true,
})

const aclsMax = 1000
const batchBytesMax = 512 * 1024
const aclRefusals = { ...refusals, 401: refusal(401), 403: refusal(403) }

const searchAcls = createRoute({
  method: 'get',
  path,
  operationId: 'getKafkaAcls',
  summary: 'Search ACL bindings',
  tags,
  request: { params: clusterParams, query: filterQuery },
  responses: {
    200: {
      description: 'The bindings that match.',
      content: { 'application/json': { schema: listSchema('KafkaAclList', 'AclDataList', aclSchema) } },
    },
    ...aclRefusals,
  },
})

const created = { description: 'They are there now, those that had been there before too.' }

const createAcl = createRoute({
  method: 'post',
  path,
  operationId: 'createKafkaAcls',
  summary: 'Create an ACL binding',
  tags,
  request: {
    params: clusterParams,
    body: { required: true, content: { 'application/json': { schema: aclToCreateSchema } } },
  },
  responses: { 201: created, ...aclRefusals },
})

const createAcls = createRoute({
  method: 'post',
  path: `${path}:batch`,
  operationId: 'batchCreateKafkaAcls',
  summary: 'Create ACL bindings',
  tags,
  request: {
    params: clusterParams,
    body: {
      required: true,
      content: {
        'application/json': { schema: z.object({ data: z.array(aclToCreateSchema).max(aclsMax) }) },
      },
    },
  },
  responses: { 201: created, ...aclRefusals },
})

const grantRole = createRoute({
  method: 'post',
  path: `${path}:grant`,
  operationId: 'grantKafkaRole',
  summary: "Create the ACL bindings of one of Confluent Cloud's roles",
  description: 'It stays what it was granted as: bindings, which are searched and deleted like all others.',
  tags,
  request: {
    params: clusterParams,
    body: { required: true, content: { 'application/json': { schema: grantSchema } } },
  },
  responses: {
    201: {
      description: 'The bindings that the role consists of.',
      content: { 'application/json': { schema: z.object({ data: z.array(aclSchema) }) } },
    },
    ...aclRefusals,
  },
})

const deleteAcls = createRoute({
  method: 'delete',
  path,
  operationId: 'deleteKafkaAcls',
  summary: 'Delete ACL bindings',
  tags,
  request: { params: clusterParams, query: deleteQuery },
  responses: {
    200: {
      description: 'The bindings that were deleted.',
      content: { 'application/json': { schema: z.object({ data: z.array(aclSchema) }) } },
    },
    ...aclRefusals,
  },
})

export function registerAclRoutes(app: App, deps: HttpDeps): void {
  app.openapi(searchAcls, async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const place = placeOf(cluster, c.req.url)
    const found = await aclsOf(cluster).list(parseFilter(c.req.valid('query')))
    const self = `${place.url}/acls${new URL(c.req.url).search}`
    const data = found.map((binding) => aclResource(place, binding))
    return c.json({ kind: 'KafkaAclList' as const, metadata: { self, next: null }, data }, 200)
  })

  app.openapi(withJsonBody(deps, createAcl), async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    await aclsOf(cluster).create([parseAcl(c.req.valid('json'))])
    return c.body(null, 201)
  })

  app.openapi(withJsonBody(deps, createAcls, batchBytesMax), async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    await aclsOf(cluster).create(c.req.valid('json').data.map(parseAcl))
    return c.body(null, 201)
  })

  app.openapi(withJsonBody(deps, grantRole), async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const place = placeOf(cluster, c.req.url)
    const bindings = parseGrant(c.req.valid('json'))
    await aclsOf(cluster).create(bindings)
    return c.json({ data: bindings.map((binding) => aclResource(place, binding)) }, 201)
  })

  app.openapi(deleteAcls, async (c) => {
    const cluster = findCluster(c, c.req.valid('param').cluster_id)
    const place = placeOf(cluster, c.req.url)
    const deleted = await aclsOf(cluster).delete(parseFilter(c.req.valid('query')))
    return c.json({ data: deleted.map((binding) => aclResource(place, binding)) }, 200)
  })
}

function aclsOf({ acls }: Cluster): Acls {
  if (acls !== undefined) return acls
  const message = 'Security is off here: whoever reaches this server may do everything.'
  throw new KafkaError('SECURITY_DISABLED', message)
}

function parseAcl(body: z.output<typeof aclToCreateSchema>): AclBinding {
  const { resource_type, resource_name, pattern_type, ...rest } = body
  return { resourceType: resource_type, resourceName: resource_name, patternType: pattern_type, ...rest }
}

function parseGrant(body: z.output<typeof grantSchema>): readonly AclBinding[] {
  const { role_name: role, principal, resource: named } = body
  const resource: RoleBinding['resource'] = named && {
    type: named.resource_type,
    name: named.resource_name,
    patternType: named.pattern_type,
  }
  const bindings = bindingsOfRole({ role, principal, resource })
  if (bindings.length > 0) return bindings
  throw new KafkaError(
    'INVALID_REQUEST',
    resource === undefined
      ? `The role ${role} is about a resource: name it.`
      : `The role ${role} is not about resources of type ${resource.type}.`,
  )
}

function parseFilter(query: FilterQuery): AclFilter {
  const { resource_type, resource_name, pattern_type, principal, host, operation, permission } = query
  return {
    ...(resource_type === undefined || resource_type === any ? {} : { resourceType: resource_type }),
    ...(resource_name === undefined ? {} : { resourceName: resource_name }),
    ...(pattern_type === undefined || pattern_type === any ? {} : { patternType: pattern_type }),
    ...(principal === undefined ? {} : { principal }),
    ...(host === undefined ? {} : { host }),
    ...(operation === undefined || operation === any ? {} : { operation }),
    ...(permission === undefined || permission === any ? {} : { permission }),
  }
}

function aclResource(place: Place, { resourceType, resourceName, patternType, ...rest }: AclBinding) {
  const fields = {
    resource_type: resourceType,
    resource_name: resourceName,
    pattern_type: patternType,
    ...rest,
  }
  const self = `${place.url}/acls?${new URLSearchParams(fields)}`
  return {
    kind: 'KafkaAcl' as const,
    metadata: { self, resource_name: null },
    cluster_id: place.clusterId,
    ...fields,
  }
}
