// What a process keeps of one tenant beside its cluster, and the cluster as one caller may use it: metered, within the
// tenant's limits, and as fast as quotas say. Rights come around all of that, so that a refusal is charged to nobody.

import type { LogDeps } from '../log/deps.ts'
import { createMeter, type Meter } from '../metering/meter.ts'
import { forgetOldUsage, type HourOfUsage, readUsage } from '../metering/readUsage.ts'
import { createRemembered } from '../ports/remembered.ts'
import { type Counters, createCounters } from '../quotas/counters.ts'
import type { QuotaIndex, QuotaKey, QuotaValues } from '../quotas/entity.ts'
import { createQuotaStore, type QuotaStore } from '../quotas/quotaStore.ts'
import { createThrottle } from '../quotas/throttle.ts'
import { boundOf, type LimitOverrides } from '../tenants/limits.ts'
import type { ClientQuotas, Cluster } from './cluster.ts'
import type { RunningCluster } from './createCluster.ts'
import { createLimitedCluster } from './limitedCluster.ts'
import { createMeteredCluster } from './meteredCluster.ts'
import { createTenantCounts, type TenantCounts } from './tenantCounts.ts'
import { createThrottledCluster } from './throttledCluster.ts'

export interface Tenant {
  readonly cluster: RunningCluster
  readonly clientQuotas: ClientQuotas
  /** Some seconds old at most. */
  readonly quotaIndex: () => Promise<QuotaIndex>
  readonly counters: Counters
  readonly counts: TenantCounts
  readonly meter: Meter
  readonly usage: (fromMs: number, toMs: number) => Promise<readonly HourOfUsage[]>
}

/** Who uses a tenant's cluster, as far as it is counted. */
export interface TenantCaller {
  readonly principal: string
  readonly clientId: string
  /** As they are now; undefined: an operator, whom neither quotas nor limits hold back. */
  readonly limits: (() => Promise<LimitOverrides>) | undefined
}

export interface OpenCluster {
  readonly cluster: Cluster
  /** How long the calls until now said to wait; 0: not at all. */
  readonly throttledMs: () => number
}

/** With the time of a read, a change takes effect within 5 s. */
const quotasMaxAgeMs = 4000

export function createTenant(deps: LogDeps, cluster: RunningCluster): Tenant {
  const store = createQuotaStore(deps)
  const index = createRemembered({ clock: deps.clock, maxAgeMs: quotasMaxAgeMs, entriesMax: 1 }, () =>
    store.index(),
  )
  return {
    cluster,
    clientQuotas: seenAtOnce(store, () => index.forget('')),
    quotaIndex: () => index.get(''),
    counters: createCounters(deps),
    counts: createTenantCounts(deps, cluster),
    meter: createMeter({ ...deps, tidy: () => forgetOldUsage(deps) }),
    usage: (fromMs, toMs) => readUsage(deps, fromMs, toMs),
  }
}

/** A change is seen at once where it was made. */
const seenAtOnce = (store: QuotaStore, forget: () => void): ClientQuotas => ({
  describe: store.describe,
  async alter(alterations, validateOnly) {
    await store.alter(alterations, validateOnly)
    forget()
  },
})

export function openTenantCluster(
  deps: Pick<LogDeps, 'clock'>,
  tenant: Tenant,
  caller: TenantCaller,
): OpenCluster {
  const { principal, limits } = caller
  const { clientQuotas, usage } = tenant
  const metered = createMeteredCluster({ ...tenant.cluster, clientQuotas, usage }, tenant.meter, principal)
  if (limits === undefined) return { cluster: metered, throttledMs: () => 0 }
  const limited = createLimitedCluster(metered, { limits, counts: tenant.counts })
  let throttledMs = 0
  const throttled = createThrottledCluster(limited, {
    clock: deps.clock,
    throttle: async () => {
      const [index, overrides] = await Promise.all([tenant.quotaIndex(), limits()])
      const user = principal.replace(/^User:/, '')
      return createThrottle(tenant.counters, index, tenantQuotas(overrides), {
        user,
        clientId: caller.clientId,
      })
    },
    tellWait: (ms) => {
      throttledMs = Math.max(throttledMs, ms)
    },
  })
  return { cluster: throttled, throttledMs: () => throttledMs }
}

const tenantRates = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
] as const satisfies readonly QuotaKey[]

/** What operators hold a whole tenant to, whatever it says of its own users. */
const tenantQuotas = (overrides: LimitOverrides): QuotaValues =>
  Object.fromEntries(
    tenantRates.flatMap((name) => {
      const bound = boundOf(overrides, name)
      return bound === undefined ? [] : [[name, bound]]
    }),
  )
