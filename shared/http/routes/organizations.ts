// /org/v2/organizations: the customers of the deployment, in Confluent Cloud's shape. Operators make, limit, suspend
// and delete them; an organisation sees itself.

import { createRoute, z } from '@hono/zod-openapi'
import { ofOrganisation } from '../../tenants/limits.ts'
import { organisationNotFound } from '../../tenants/organisations.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { cloudList, cloudListSchema, pageQuery, pageWanted } from '../listPages.ts'
import { administrationOf, operatorOf } from '../operator.ts'
import { namesSomething, organizationResource, organizationSchema, originOf } from '../operatorResources.ts'

const tags = ['Organizations (administration)']
const path = '/org/v2/organizations'
const params = z.object({ id: z.string().openapi({ example: 'org-4hq2m6xk7a' }) })
const displayName = z.string().min(1).max(64)
const json = <S extends z.ZodType>(schema: S) => ({ 'application/json': { schema } })
const answers = {
  200: { description: 'The organization.', content: json(organizationSchema) },
  ...refusals,
  401: refusal(401),
  403: refusal(403),
}

const createOrganization = createRoute({
  method: 'post',
  path,
  operationId: 'createOrgV2Organization',
  summary: 'Create an organization',
  description: 'By operators.',
  tags,
  request: { body: { required: true, content: json(z.object({ display_name: displayName })) } },
  responses: { ...answers, 201: { ...answers[200], description: 'Made.' } },
})

const listOrganizations = createRoute({
  method: 'get',
  path,
  operationId: 'listOrgV2Organizations',
  summary: 'List organizations',
  tags,
  request: { query: pageQuery },
  responses: {
    ...answers,
    200: {
      description: "By id: an operator sees all, an organization's own key that one.",
      content: json(cloudListSchema('OrganizationList', 'org/v2', organizationSchema)),
    },
  },
})

const getOrganization = createRoute({
  method: 'get',
  path: `${path}/{id}`,
  operationId: 'getOrgV2Organization',
  summary: 'Get an organization',
  tags,
  request: { params },
  responses: answers,
})

const patchOrganization = createRoute({
  method: 'patch',
  path: `${path}/{id}`,
  operationId: 'updateOrgV2Organization',
  summary: 'Rename an organization or change its limits',
  description: 'By operators.',
  tags,
  request: {
    params,
    body: {
      required: true,
      content: json(
        z
          .object({
            display_name: displayName.optional(),
            limits: z
              .record(z.string(), z.int().positive().nullable())
              .optional()
              .openapi({ description: 'Those that are named; null brings the default back.' }),
          })
          .refine(...namesSomething),
      ),
    },
  },
  responses: answers,
})

const deleteOrganization = createRoute({
  method: 'delete',
  path: `${path}/{id}`,
  operationId: 'deleteOrgV2Organization',
  summary: 'Delete an organization that has no clusters any more',
  description: 'By operators. Its service accounts and its own API keys go with it.',
  tags,
  request: { params },
  responses: { ...answers, 204: { description: 'It is gone.' } },
})

const change = (verb: 'suspend' | 'resume', summary: string) =>
  createRoute({
    method: 'post',
    path: `${path}/{id}/${verb}`,
    operationId: `${verb}OrgV2Organization`,
    summary,
    description: 'By operators. It takes effect within 5 s.',
    tags,
    request: { params },
    responses: answers,
  })

const changes = [
  { route: change('suspend', 'Suspend an organization with all its clusters'), state: 'SUSPENDED' },
  { route: change('resume', 'Resume a suspended organization'), state: 'ACTIVE' },
] as const

export function registerOrganizationRoutes(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, createOrganization), async (c) => {
    const { display_name } = c.req.valid('json')
    const made = await operatorOf(c).organisations.create(display_name)
    return c.json(organizationResource(made, originOf(c.req.url)), 201)
  })

  app.openapi(listOrganizations, async (c) => {
    const page = await administrationOf(c).organisations.listPage(pageWanted(c.req.valid('query')))
    const list = { kind: 'OrganizationList', apiVersion: 'org/v2', resource: organizationResource }
    return c.json(cloudList(c.req.url, page, list), 200)
  })

  app.openapi(getOrganization, async (c) => {
    const { id } = c.req.valid('param')
    const organisation = await administrationOf(c).organisations.get(id)
    if (organisation === undefined) throw organisationNotFound(id)
    return c.json(organizationResource(organisation, originOf(c.req.url)), 200)
  })

  app.openapi(withJsonBody(deps, patchOrganization), async (c) => {
    const { display_name, limits = {} } = c.req.valid('json')
    const changed = await operatorOf(c).organisations.update(c.req.valid('param').id, (now) => ({
      name: display_name ?? now.name,
      limits: ofOrganisation.changeLimits(now.limits, limits),
    }))
    return c.json(organizationResource(changed, originOf(c.req.url)), 200)
  })

  app.openapi(deleteOrganization, async (c) => {
    await operatorOf(c).organisations.delete(c.req.valid('param').id)
    return c.body(null, 204)
  })

  for (const { route, state } of changes) {
    app.openapi(route, async (c) => {
      const { organisations } = operatorOf(c)
      const changed = await organisations.update(c.req.valid('param').id, () => ({ state }))
      return c.json(organizationResource(changed, originOf(c.req.url)), 200)
    })
  }
}
