// What the audit log of the cluster `local` says, as its operator reads it.

import assert from 'node:assert/strict'
import type { AuditEvent } from '../../shared/service/auditEvent.ts'
import { auditTopicName } from '../../shared/topics/names.ts'
import type { createTestTenants } from './testTenants.ts'

type Tenants = Pick<Awaited<ReturnType<typeof createTestTenants>>, 'tenants' | 'operator'>

export async function auditEventsOf({ tenants, operator }: Tenants): Promise<readonly AuditEvent[]> {
  await tenants.idle()
  const path = `/topics/${auditTopicName}/partitions/0/records?offset=0&max_bytes=8388608`
  const { status, body } = await operator('GET', path)
  if (status === 404) return []
  assert.equal(status, 200, JSON.stringify(body))
  return body.records.map((record: { readonly value: AuditEvent }) => record.value)
}
