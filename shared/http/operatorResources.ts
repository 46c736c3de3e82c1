// Confluent Cloud's resources of organisations, clusters, service accounts and API keys: api_version, kind, id,
// metadata, spec. Pure.

import { z } from '@hono/zod-openapi'
import { formatIsoInstant } from '../base/isoTime.ts'
import type { ApiKeyItem } from '../metadata/apiKeyItem.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import { boundOf, limitNames, ofOrganisation } from '../tenants/limits.ts'
import type { Organisation } from '../tenants/organisations.ts'
import type { ServiceAccount } from '../tenants/serviceAccounts.ts'

export const objectMetadataSchema = z
  .object({ self: z.string(), created_at: z.string() })
  .openapi('ObjectMeta')
const reference = z.object({ id: z.string() })
const limitsSchema = z
  .record(z.string(), z.number().nullable())
  .openapi({ description: 'null: there is none.' })

/** Of the links in a resource. */
export const originOf = (url: string): string => new URL(url).origin

/** For a body in which everything may be absent: a name that is spelt wrong is not taken for no wish at all. */
export const namesSomething = [
  (body: object) => Object.values(body).some((value) => value !== undefined),
  { error: 'names nothing that can be changed' },
] as const

export const organizationReference = z.object({ id: z.string().regex(/^[\w-]{1,64}$/) })

export const organizationSchema = z
  .object({
    api_version: z.literal('org/v2'),
    kind: z.literal('Organization'),
    id: z.string(),
    metadata: objectMetadataSchema,
    display_name: z.string(),
    limits: limitsSchema,
    status: z.object({ phase: z.enum(['ACTIVE', 'SUSPENDED']) }),
  })
  .openapi('OrgV2Organization')

export const cloudClusterSchema = z
  .object({
    api_version: z.literal('cmk/v2'),
    kind: z.literal('Cluster'),
    id: z.string(),
    metadata: objectMetadataSchema,
    spec: z.object({
      display_name: z.string(),
      organization: reference,
      http_endpoint: z.string(),
      encryption_key_arn: z.string().optional(),
      limits: limitsSchema,
    }),
    status: z.object({ phase: z.enum(['PROVISIONED', 'SUSPENDED', 'DEPROVISIONING']) }),
  })
  .openapi('CmkV2Cluster')

export const serviceAccountSchema = z
  .object({
    api_version: z.literal('iam/v2'),
    kind: z.literal('ServiceAccount'),
    id: z.string(),
    metadata: objectMetadataSchema,
    display_name: z.string(),
    description: z.string(),
    organization: reference,
  })
  .openapi('IamV2ServiceAccount')

export const apiKeySchema = z
  .object({
    api_version: z.literal('iam/v2'),
    kind: z.literal('ApiKey'),
    id: z.string(),
    metadata: objectMetadataSchema,
    spec: z.object({
      /** Only in the answer that makes the key. */
      secret: z.string().optional(),
      description: z.string(),
      owner: reference,
      resource: reference.optional(),
      expires_at: z.string().nullable(),
    }),
    status: z.object({ last_used_at: z.string().nullable() }),
  })
  .openapi('IamV2ApiKey')

export function organizationResource(organisation: Organisation, origin: string) {
  const { id, name, state, createdMs, limits } = organisation
  const { limitNames: names, boundOf: bound } = ofOrganisation
  return {
    api_version: 'org/v2' as const,
    kind: 'Organization' as const,
    id,
    metadata: objectMetadata(`${origin}/org/v2/organizations/${id}`, createdMs),
    display_name: name,
    limits: Object.fromEntries(names.map((limit) => [limit, bound(limits, limit) ?? null])),
    status: { phase: state },
  }
}

const phases = { ACTIVE: 'PROVISIONED', SUSPENDED: 'SUSPENDED', DELETING: 'DEPROVISIONING' } as const

export function cloudCluster(cluster: ClusterItem, origin: string) {
  const { clusterId, name, organisationId, state, createdMs, limits, kmsKeyArn } = cluster
  return {
    api_version: 'cmk/v2' as const,
    kind: 'Cluster' as const,
    id: clusterId,
    metadata: objectMetadata(`${origin}/cmk/v2/clusters/${clusterId}`, createdMs),
    spec: {
      display_name: name,
      organization: { id: organisationId },
      http_endpoint: origin,
      ...(kmsKeyArn === undefined ? {} : { encryption_key_arn: kmsKeyArn }),
      limits: Object.fromEntries(limitNames.map((limit) => [limit, boundOf(limits, limit) ?? null])),
    },
    status: { phase: phases[state] },
  }
}

export function serviceAccountResource(account: ServiceAccount, origin: string) {
  const { id, organisationId, name, description, createdMs } = account
  return {
    api_version: 'iam/v2' as const,
    kind: 'ServiceAccount' as const,
    id,
    metadata: objectMetadata(`${origin}/iam/v2/service-accounts/${id}`, createdMs),
    display_name: name,
    description,
    organization: { id: organisationId },
  }
}

export function apiKeyResource(key: ApiKeyItem, origin: string, secret?: string) {
  const { keyId, clusterId, organisationId, owner, description, createdMs, expiresMs, usedMs } = key
  const resource = clusterId ?? organisationId
  return {
    api_version: 'iam/v2' as const,
    kind: 'ApiKey' as const,
    id: keyId,
    metadata: objectMetadata(`${origin}/iam/v2/api-keys/${keyId}`, createdMs),
    spec: {
      ...(secret === undefined ? {} : { secret }),
      description,
      owner: { id: owner.replace(/^User:/, '') },
      ...(resource === undefined ? {} : { resource: { id: resource } }),
      expires_at: instant(expiresMs),
    },
    status: { last_used_at: instant(usedMs) },
  }
}

const instant = (ms: number | undefined): string | null => (ms === undefined ? null : formatIsoInstant(ms))

export const objectMetadata = (self: string, createdMs: number) => ({
  self,
  created_at: formatIsoInstant(createdMs),
})
