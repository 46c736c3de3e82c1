// How many requests of one tenant a process serves at once: those that wait for records, for room or for their client,
// and streams until their last byte, cost memory and reads of the table all the while. Refuses what goes beyond (429).

import { KafkaError } from '../base/errors.ts'

/** Counts one more, until the function that it answers is called, however often. */
export type BeginRequest = (tenant: string | undefined) => () => void

export function createUnderWay(perTenantMax: number): BeginRequest {
  const tenants = new Map<string, { underWay: number }>()
  return (name) => {
    if (name === undefined) return alone
    const tenant = tenants.get(name) ?? { underWay: 0 }
    if (tenant.underWay >= perTenantMax) throw tooMany(perTenantMax)
    if (tenant.underWay++ === 0) tenants.set(name, tenant)
    let isUnderWay = true
    return () => {
      if (!isUnderWay) return
      isUnderWay = false
      tenant.underWay--
      if (tenant.underWay === 0 && tenants.size > tenantsKept) tenants.delete(name)
    }
  }
}

const tenantsKept = 1000

/** Whoever has the process alone is not counted. */
const alone = (): void => {}

const tooMany = (max: number): KafkaError =>
  new KafkaError(
    'THROTTLING_QUOTA_EXCEEDED',
    `${max} requests of this cluster are under way here, streams among them. Try again when some have ended.`,
    { retryAfterMs: 1000 },
  )
