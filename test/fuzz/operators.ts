// What the broken requests of operators may change: a cluster, a service account and an API key, all of them under ids
// that are known beforehand, and ACL bindings.

import { createApiKeys } from '../../shared/security/apiKeys.ts'
import { createClusterRegistry } from '../../shared/tenants/clusters.ts'
import { createServiceAccounts } from '../../shared/tenants/serviceAccounts.ts'
import { testPepper } from '../support/testTenants.ts'

export const fuzzedCluster = 'lkc-fuzzed'
export const fuzzedAccount = 'sa-aaaaaaaaaa'
export const fuzzedKey = 'AAAAAAAAAAAAAAAA'

type Deps = Parameters<typeof createClusterRegistry>[0]

/** As they were at first, whatever has become of them. */
export async function restoreOperators(deps: Deps): Promise<void> {
  // Bytes that are all 0: ids of nothing but the first letter.
  const known = { ...deps, random: { ...deps.random, bytes: (length: number) => new Uint8Array(length) } }
  const clusters = createClusterRegistry(known)
  for (const { clusterId } of await clusters.list())
    if (clusterId !== 'local') await clusters.remove(clusterId)
  await clusters.create({ organisationId: 'org-1', name: 'fuzzed' }, fuzzedCluster)
  await clusters.update('local', () => ({ state: 'ACTIVE' }))
  await createServiceAccounts(known).create('fuzzed', '')
  const wanted = {
    clusterId: fuzzedCluster,
    owner: `User:${fuzzedAccount}`,
    description: '',
    expiresMs: undefined,
  }
  await createApiKeys({ ...known, pepper: testPepper }).create(wanted)
}
