// Confluent Cloud's resources of identity providers and pools, simpler by what nobody needs here: keys are found by
// discovery, and a pool says itself which audience it wants and which cluster it opens. Pure.

import { z } from '@hono/zod-openapi'
import type { IdentityPool, IdentityProvider } from '../metadata/identityItems.ts'
import { objectMetadata, objectMetadataSchema } from './operatorResources.ts'

export const identityProviderSchema = z
  .object({
    api_version: z.literal('iam/v2'),
    kind: z.literal('IdentityProvider'),
    id: z.string(),
    metadata: objectMetadataSchema,
    display_name: z.string(),
    description: z.string(),
    issuer: z.string(),
    state: z.literal('ENABLED'),
  })
  .openapi('IamV2IdentityProvider')

export const identityPoolSchema = z
  .object({
    api_version: z.literal('iam/v2'),
    kind: z.literal('IdentityPool'),
    id: z.string(),
    metadata: objectMetadataSchema,
    display_name: z.string(),
    description: z.string(),
    identity_claim: z.string(),
    filter: z.string(),
    audience: z.string(),
    resource: z.object({ id: z.string() }),
    state: z.literal('ENABLED'),
  })
  .openapi('IamV2IdentityPool')

export const identityProvidersPath = '/iam/v2/identity-providers'

export function identityProviderResource(provider: IdentityProvider, origin: string) {
  const { id, name, description, issuer, createdMs } = provider
  return {
    api_version: 'iam/v2' as const,
    kind: 'IdentityProvider' as const,
    id,
    metadata: objectMetadata(`${origin}${identityProvidersPath}/${id}`, createdMs),
    display_name: name,
    description,
    issuer,
    state: 'ENABLED' as const,
  }
}

export function identityPoolResource(pool: IdentityPool, providerId: string, origin: string) {
  const { id, name, description, identityClaim, filter, audience, clusterId, createdMs } = pool
  return {
    api_version: 'iam/v2' as const,
    kind: 'IdentityPool' as const,
    id,
    metadata: objectMetadata(
      `${origin}${identityProvidersPath}/${providerId}/identity-pools/${id}`,
      createdMs,
    ),
    display_name: name,
    description,
    identity_claim: identityClaim,
    filter,
    audience,
    resource: { id: clusterId },
    state: 'ENABLED' as const,
  }
}
