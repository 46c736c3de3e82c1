// One request as the audit log sees it: who it says it is, whether that is so, and what it then does. A caller that is
// let in is told when it has not been for an hour from that address, as a connection would be; one that is refused,
// once a second.

import { KafkaError } from '../base/errors.ts'
import type { Clock } from '../ports/world.ts'
import { clusterResource } from '../security/acl.ts'
import type { Access } from './access.ts'
import type { AuditCaller } from './auditEvent.ts'
import { createAuditedCluster } from './auditedCluster.ts'
import { type Around, createAuditedOperator, type OperatorChange } from './auditedOperator.ts'
import type { AuditLog } from './auditLog.ts'
import type { Identity } from './authenticate.ts'

export type RequestCaller = Pick<AuditCaller, 'mechanism' | 'host' | 'requestId' | 'clientId'>

export interface AuditedRequest {
  /** Asked again where a request goes on for long. */
  identify(): Promise<Identity>
  audited(access: Access): Access
}

/** Of a request without credentials. */
export const noMechanism = 'NONE'

const toldAgainMs = 3600_000
/** Whoever tries keys out does not fill a tenant's log by it. */
const refusedAgainMs = 1000
const denied = 'PERMISSION_DENIED'
const callersRemembered = 10_000

export function createAuditing(log: AuditLog, clock: Clock) {
  const isNew = createNews(clock)
  return (request: RequestCaller, identify: () => Promise<Identity>): AuditedRequest => {
    let caller: AuditCaller = {
      ...request,
      principal: undefined,
      credentialId: undefined,
      isSuperUser: false,
    }

    const noteAuthentication = (clusterId: string | undefined, status: string) =>
      log.note({ kind: 'authentication', clusterId, method: 'Authentication', caller, status })

    const noteChange = ({ method, clusterId, about }: OperatorChange, status: string) =>
      log.note({ kind: 'request', clusterId, method, caller, about, status })

    return {
      async identify() {
        try {
          const identity = await identify()
          const { principal, credentialId, clusterId } = identity
          caller = { ...caller, principal, credentialId, isSuperUser: clusterId === undefined }
          if (isNew(`${credentialId} ${principal} ${caller.host}`, toldAgainMs)) {
            noteAuthentication(clusterId, 'SUCCESS')
          }
          return identity
        } catch (error) {
          // Without credentials nobody has been refused yet: the answer says what is wanted.
          if (!isUnauthenticated(error) || request.mechanism === noMechanism) throw error
          const { credentialId, clusterId } = error.details
          caller = { ...caller, credentialId: textOf(credentialId) }
          if (isNew(`${caller.credentialId} ${caller.host}`, refusedAgainMs)) {
            noteAuthentication(textOf(clusterId), 'UNAUTHENTICATED')
          }
          throw error
        }
      },
      audited: (access) => ({
        ...access,
        noteNoOperator: () =>
          noteChange({ method: 'Authorize', clusterId: access.clusterIds[0], about: 'operator' }, denied),
        operator: access.operator && createAuditedOperator(access.operator, telling(noteChange)),
        cluster(clusterId) {
          const cluster = noteSuspended(access, clusterId, () => noteAuthorization(log, caller, clusterId))
          return (
            cluster &&
            createAuditedCluster(cluster, ({ method, operation, resource }, granted, status) => {
              const authorization = { granted, operation, resource }
              log.note({ kind: 'authorization', clusterId, method, caller, authorization, status })
            })
          )
        },
      }),
    }
  }
}

type NoteChange = (change: OperatorChange, status: string) => void

const telling =
  (note: NoteChange): Around =>
  async (change, work) => {
    try {
      const answer = await work()
      note(change(answer), 'SUCCESS')
      return answer
    } catch (error) {
      note(change(undefined), error instanceof KafkaError ? error.code : 'INTERNAL')
      throw error
    }
  }

function noteSuspended(access: Access, clusterId: string, note: () => void) {
  try {
    return access.cluster(clusterId)
  } catch (error) {
    note()
    throw error
  }
}

/** The cluster is suspended: whatever it is that was wanted of it. */
function noteAuthorization(log: AuditLog, caller: AuditCaller, clusterId: string): void {
  const authorization = { granted: false, operation: 'CLUSTER_ACTION', resource: clusterResource } as const
  log.note({
    kind: 'authorization',
    clusterId,
    method: 'Authorize',
    caller,
    authorization,
    status: denied,
  })
}

const isUnauthenticated = (error: unknown): error is KafkaError =>
  error instanceof KafkaError && error.code === 'UNAUTHENTICATED'

const textOf = (value: string | number | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

/** Whether it has not been told for a while. */
function createNews(clock: Clock): (what: string, forMs: number) => boolean {
  const told = new Map<string, number>()
  return (what, forMs) => {
    const nowMs = clock.now()
    if (nowMs - (told.get(what) ?? Number.NEGATIVE_INFINITY) < forMs) return false
    if (told.size >= callersRemembered) told.clear()
    told.set(what, nowMs)
    return true
  }
}
