// What a process keeps of one tenant beside its cluster, and the cluster as one caller may use it: metered, within the
// tenant's limits, and as fast as quotas say. Rights come around all of that, so that a refusal is charged to nobody.

import { createLimiter, type Limiter } from '../base/concurrency.ts'
import { createRecent } from '../base/recent.ts'
import type { LogDeps } from '../log/deps.ts'
import { createMeter, type Meter } from '../metering/meter.ts'
import { forgetOldUsage, readUsage } from '../metering/readUsage.ts'
import { createRemembered } from '../ports/remembered.ts'
import { type Counters, createCounters } from '../quotas/counters.ts'
import { entityText, type QuotaIndex, type QuotaKey, type QuotaValues } from '../quotas/entity.ts'
import { forgetUsedQuotas } from '../quotas/forgetUsedQuotas.ts'
import { createQuotaStore, type QuotaStore } from '../quotas/quotaStore.ts'
import { createThrottle, type Caller as QuotaUser, type Throttle } from '../quotas/throttle.ts'
import { boundOf, type LimitOverrides } from '../tenants/limits.ts'
import type { Acls, ClientQuotas, Cluster } from './cluster.ts'
import type { RunningCluster } from './createCluster.ts'
import { createLimitedCluster } from './limitedCluster.ts'
import { createMeteredCluster } from './meteredCluster.ts'
import { createTenantCounts, type TenantCounts } from './tenantCounts.ts'
import { createThrottledCluster } from './throttledCluster.ts'

export interface Tenant {
  readonly cluster: RunningCluster
  /** What this principal does with it is counted. */
  readonly meteredFor: (principal: string) => Cluster
  /** By quotas that are some seconds old at most. */
  readonly throttleOf: (overrides: LimitOverrides, user: QuotaUser) => Promise<Throttle>
  /** Changes of topics, one by one. */
  readonly mutateInOrder: Limiter
  readonly counts: TenantCounts
  readonly meter: Meter
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
  /** Of what was worked beside the calls: compute time, too. */
  readonly noteWork: (ms: number) => void
}

/** With the time of a read, a change takes effect within 5 s. */
const quotasMaxAgeMs = 4000

const usersRemembered = 1000

export function createTenant(deps: LogDeps, cluster: RunningCluster, acls: Acls): Tenant {
  const store = createQuotaStore(deps)
  const index = createRemembered({ clock: deps.clock, maxAgeMs: quotasMaxAgeMs, entriesMax: 1 }, () =>
    store.index(),
  )
  const tidy = async () => {
    await forgetOldUsage(deps)
    await forgetUsedQuotas(deps)
  }
  const meter = createMeter({ ...deps, tidy })
  const open: Cluster = {
    ...cluster,
    acls,
    clientQuotas: seenAtOnce(store, () => index.forget('')),
    usage: (fromMs, toMs) => readUsage(deps, fromMs, toMs),
  }
  return {
    cluster,
    meter,
    meteredFor: createRecent(usersRemembered, (principal) => createMeteredCluster(open, meter, principal)),
    throttleOf: createThrottles(deps, meter, () => index.get('')),
    mutateInOrder: createLimiter(1),
    counts: createTenantCounts(deps, cluster),
  }
}

/** What holds for a user changes seldom, and a request asks three times. */
function createThrottles(
  deps: LogDeps,
  meter: Meter,
  index: () => Promise<QuotaIndex>,
): Tenant['throttleOf'] {
  const counters = createCounters(deps)
  let known: ReturnType<typeof throttlesBy> | undefined
  return async (overrides, user) => {
    const quotas = await index()
    if (known?.quotas !== quotas || known.overrides !== overrides) {
      known = throttlesBy(counters, meter, quotas, overrides)
    }
    return known.of(entityText(user))
  }
}

function throttlesBy(counters: Counters, meter: Meter, quotas: QuotaIndex, overrides: LimitOverrides) {
  const tenant = tenantQuotas(overrides)
  const of = createRecent(usersRemembered, (text): Throttle => {
    const user: QuotaUser = JSON.parse(text)
    return createThrottle(counters, quotas, tenant, user, (waitMs) => {
      const refused = { throttle_time_milliseconds: waitMs, throttled_request_count: 1 }
      meter.add('', `User:${user.user}`, refused)
    })
  })
  return { quotas, overrides, of }
}

/** A change is seen at once where it was made. */
const seenAtOnce = (store: QuotaStore, forget: () => void): ClientQuotas => ({
  describe: store.describe,
  async alter(alterations, validateOnly) {
    const changes = await store.alter(alterations, validateOnly)
    forget()
    return changes
  },
})

export function openTenantCluster(
  deps: Pick<LogDeps, 'clock'>,
  tenant: Tenant,
  caller: TenantCaller,
): OpenCluster {
  const { principal, limits } = caller
  const metered = tenant.meteredFor(principal)
  if (limits === undefined) return { cluster: metered, throttledMs: () => 0, noteWork: () => {} }
  const limited = createLimitedCluster(metered, {
    limits,
    counts: tenant.counts,
    numPartitions: tenant.cluster.numPartitions,
  })
  const user = { user: principal.replace(/^User:/, ''), clientId: caller.clientId }
  let throttledMs = 0
  const tellWait = (ms: number): void => {
    if (ms <= throttledMs) return
    tenant.meter.add('', principal, { throttle_time_milliseconds: ms - throttledMs })
    throttledMs = ms
  }
  /** Of the last call: there is no work of a request that made none. */
  let throttle: Throttle | undefined
  const throttled = createThrottledCluster(limited, {
    clock: deps.clock,
    async throttle() {
      throttle = await tenant.throttleOf(await limits(), user)
      return throttle
    },
    mutateInOrder: tenant.mutateInOrder,
    tellWait,
  })
  return {
    cluster: throttled,
    throttledMs: () => throttledMs,
    noteWork: (ms) => {
      if (throttle !== undefined) tellWait(throttle.take('ms', ms))
    },
  }
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
