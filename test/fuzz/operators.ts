// What the broken requests of operators may change: an organisation, a cluster, a service account and an API key, all
// of them under ids that are known beforehand, and ACL bindings.

import { encodeFlushFooter } from '../../shared/metadata/flushFooter.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import { createIssuerNetwork } from '../../shared/runtime/issuerNetwork.ts'
import { createApiKeys } from '../../shared/security/apiKeys.ts'
import { createIdentityProviders } from '../../shared/security/identityProviders.ts'
import { createClusterRegistry } from '../../shared/tenants/clusters.ts'
import { createOrganisations, defaultOrganisationId } from '../../shared/tenants/organisations.ts'
import { createServiceAccounts } from '../../shared/tenants/serviceAccounts.ts'
import { testPepper } from '../support/testTenants.ts'

export const fuzzedCluster = 'lkc-fuzzed'
export const fuzzedKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd'
export const fuzzedOrganisation = 'org-aaaaaaaaaa'
export const fuzzedAccount = 'sa-aaaaaaaaaa'
export const fuzzedKey = 'AAAAAAAAAAAAAAAA'
export const fuzzedProvider = 'op-aaaaaaaaaa'
export const fuzzedPool = 'pool-aaaaaaaaaa'
/** A flush of nothing. */
export const dumpedObject = '1'.repeat(32)

type Deps = Parameters<typeof createClusterRegistry>[0] & { readonly objects: ObjectStore }

/** As they were at first, whatever has become of them. */
export async function restoreOperators(deps: Deps): Promise<void> {
  // Bytes that are all 0: ids of nothing but the first letter.
  const known = { ...deps, random: { ...deps.random, bytes: (length: number) => new Uint8Array(length) } }
  const clusters = createClusterRegistry(known)
  for (const { clusterId } of await clusters.list())
    if (clusterId !== 'local') await clusters.remove(clusterId)
  const organisations = createOrganisations(known)
  for (const { id } of (await organisations.listPage({ size: 1000, token: undefined })).entries)
    if (id !== defaultOrganisationId) await organisations.delete(id)
  await organisations.create('fuzzed', fuzzedOrganisation)
  await organisations.update(defaultOrganisationId, () => ({ state: 'ACTIVE', limits: {} }))
  const organisationId = fuzzedOrganisation
  await clusters.create({ organisationId, name: 'fuzzed', kmsKeyArn: fuzzedKeyArn }, fuzzedCluster)
  await clusters.update('local', () => ({ state: 'ACTIVE' }))
  await createServiceAccounts(known).create(organisationId, 'fuzzed', '')
  const wanted = {
    clusterId: fuzzedCluster,
    organisationId,
    owner: `User:${fuzzedAccount}`,
    description: '',
    expiresMs: undefined,
  }
  await createApiKeys({ ...known, pepper: testPepper }).create(wanted)
  const providers = createIdentityProviders({ ...known, network: createIssuerNetwork(true) })
  await providers.create({ name: 'fuzzed', description: '', issuer: 'https://issuer.example' })
  await providers.createPool(fuzzedProvider, {
    name: 'fuzzed',
    description: '',
    identityClaim: 'claims.sub',
    filter: 'true',
    audience: 'a',
    clusterId: fuzzedCluster,
  })
  await deps.objects.putIfAbsent(createScope('local').logObject(dumpedObject), [encodeFlushFooter([])])
}
