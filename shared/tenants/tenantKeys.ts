// The KMS keys of tenants that have one of their own. A cluster's key is said when it is made and never changes, so a
// process reads it once, and a warm request asks no table for it.

import { createRemembered } from '../ports/remembered.ts'
import type { Clock } from '../ports/world.ts'
import type { ClusterRegistry } from './clusters.ts'

const tenantsRemembered = 1000

/** undefined: there is no such tenant, or it has no key of its own. */
export type TenantKeyOf = (tenantId: string) => Promise<string | undefined>

export function createTenantKeys(clusters: Pick<ClusterRegistry, 'get'>, clock: Clock): TenantKeyOf {
  const settings = { clock, maxAgeMs: Number.POSITIVE_INFINITY, entriesMax: tenantsRemembered }
  const known = createRemembered(settings, (tenantId) => clusters.get(tenantId))
  return async (tenantId) => {
    const cluster = await known.get(tenantId)
    // It may yet be made.
    if (cluster === undefined) known.forget(tenantId)
    return cluster?.kmsKeyArn
  }
}
