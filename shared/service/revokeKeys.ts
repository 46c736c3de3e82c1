// Many API keys revoked at once: those that go with whoever had them.

import { createLimiter } from '../base/concurrency.ts'
import type { ApiKeyItem } from '../metadata/apiKeyItem.ts'
import type { ApiKeys } from '../security/apiKeys.ts'
import type { ClusterRegistry } from '../tenants/clusters.ts'
import type { ServiceAccount } from '../tenants/serviceAccounts.ts'

interface RevokeKeysDeps {
  readonly clusters: Pick<ClusterRegistry, 'list'>
  readonly apiKeys: Pick<ApiKeys, 'list' | 'revoke'>
}

const listsAtOnce = 16

/** In all clusters of its organisation, and of the organisation itself. */
export async function revokeKeysOf(
  deps: RevokeKeysDeps,
  { id, organisationId }: ServiceAccount,
): Promise<void> {
  const limiter = createLimiter(listsAtOnce)
  const clusters = await deps.clusters.list(organisationId)
  const places = [undefined, ...clusters.map(({ clusterId }) => clusterId)]
  const revokeIn = async (clusterId: string | undefined) => {
    const keys = await deps.apiKeys.list({ clusterId, organisationId })
    const own = keys.filter(({ owner }) => owner === `User:${id}`)
    await revokeAll(deps, own)
  }
  await Promise.all(places.map((clusterId) => limiter(() => revokeIn(clusterId))))
}

export async function revokeAll(
  { apiKeys }: Pick<RevokeKeysDeps, 'apiKeys'>,
  keys: readonly ApiKeyItem[],
): Promise<void> {
  await Promise.all(keys.map(({ keyId }) => apiKeys.revoke(keyId)))
}
