// One request as the audit log sees it: who it says it is, whether that is so, and what it then does. A caller that is
// let in is told when it has not been for an hour from that address, as a connection would be; one that is refused,
// once a second.

import { KafkaError } from '../base/errors.ts'
import type { Clock } from '../ports/world.ts'
import type { Access } from './access.ts'
import type { AuditCaller } from './auditEvent.ts'
import { createAuditedCluster, createLook, type NoteCall, onCluster } from './auditedCluster.ts'
import { createAuditedCompaction } from './auditedCompaction.ts'
import {
  type Around,
  createAuditedAdministration,
  createAuditedOperator,
  type OperatorChange,
} from './auditedOperator.ts'
import type { AuditLog } from './auditLog.ts'
import type { Identity } from './authenticate.ts'
import { type Begin, createGrants, type Grants } from './grants.ts'

export type RequestCaller = Pick<AuditCaller, 'mechanism' | 'host' | 'requestId' | 'clientId'>

export interface AuditedRequest {
  /** Asked again where a request goes on for long. */
  identify(): Promise<Identity>
  readonly watch: Grants['watch']
  audited(opening: Promise<Access>): Promise<Access>
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
    let caller: AuditCaller = { ...request, principal: undefined, credentialId: undefined }
    const grants = createGrants()
    const notes = createNotes(log, () => caller)

    const refused = (error: KafkaError): void => {
      const credentialId = textOf(error.details.credentialId)
      const clusterId = textOf(error.details.clusterId)
      caller = { ...caller, credentialId }
      // Of keys that are not there one can make up any number; one that is there anybody can try, from anywhere.
      const tried = clusterId === undefined ? `from ${caller.host}` : credentialId
      if (isNew(`refused ${tried}`, refusedAgainMs)) notes.authentication(clusterId, 'UNAUTHENTICATED')
    }

    return {
      watch: grants.watch,
      async identify() {
        try {
          const identity = await identify()
          const { principal, credentialId, clusterId } = identity
          caller = { ...caller, principal, credentialId }
          if (isNew(`${credentialId} ${principal} ${caller.host}`, toldAgainMs)) {
            notes.authentication(clusterId, 'SUCCESS')
          }
          return identity
        } catch (error) {
          // Without credentials nobody has been refused yet: the answer says what is wanted.
          if (isUnauthenticated(error) && request.mechanism !== noMechanism) refused(error)
          throw error
        }
      },
      async audited(opening) {
        const isNewlySuspended = (id: string) =>
          isNew(`suspended ${id} ${caller.credentialId} ${caller.host}`, refusedAgainMs)
        try {
          return auditedAccess(await opening, notes, grants.begin, isNewlySuspended)
        } catch (error) {
          const organisation = suspendedOrganisation(error)
          if (organisation !== undefined && isNewlySuspended(organisation)) {
            const about = `organization=${organisation}`
            notes.change({ method: 'Authorize', clusterId: undefined, about }, denied)
          }
          throw error
        }
      },
    }
  }
}

interface Notes {
  authentication(clusterId: string | undefined, status: string): void
  readonly change: NoteChange
  callOf(clusterId: string): NoteCall
}

const createNotes = (log: AuditLog, callerOf: () => AuditCaller): Notes => ({
  authentication: (clusterId, status) =>
    log.note({ kind: 'authentication', clusterId, method: 'Authentication', caller: callerOf(), status }),
  change: (change, status) => log.note({ kind: 'request', ...change, caller: callerOf(), status }),
  callOf:
    (clusterId) =>
    ({ method, operation, resource }, decision, status, facts) => {
      const authorization = { operation, resource, decision }
      const caller = callerOf()
      log.note({ kind: 'authorization', clusterId, method, caller, authorization, status, ...facts })
    },
})

/** `isNewlySuspended`: whether it has not been told for a while that the caller wanted a suspended cluster. */
function auditedAccess(
  access: Access,
  notes: Notes,
  begin: Begin,
  isNewlySuspended: (clusterId: string) => boolean,
): Access {
  const { operator, administration, usage } = access
  const around = telling(notes.change)
  return {
    ...access,
    noteNoOperator: () =>
      notes.change({ method: 'Authorize', clusterId: access.clusterIds[0], about: 'operator' }, denied),
    operator: operator && createAuditedOperator(operator, around),
    administration: administration && createAuditedAdministration(administration, around),
    compaction(clusterId) {
      const compaction = access.compaction(clusterId)
      return compaction && createAuditedCompaction(compaction, notes.callOf(clusterId))
    },
    cluster(clusterId) {
      const note = notes.callOf(clusterId)
      try {
        const cluster = access.cluster(clusterId)
        return cluster && createAuditedCluster(cluster, note, begin)
      } catch (error) {
        // Whatever it is that was wanted of it.
        if (isNewlySuspended(clusterId)) note(onCluster('Authorize', 'CLUSTER_ACTION'), undefined, denied)
        throw error
      }
    },
    usage: usage && auditUsage(usage, notes),
  }
}

const auditUsage =
  (usage: NonNullable<Access['usage']>, notes: Notes): typeof usage =>
  (clusterId, fromMs, toMs) => {
    const look = createLook(notes.callOf(clusterId))
    return look(onCluster('QueryMetrics', 'DESCRIBE'), () => usage(clusterId, fromMs, toMs))
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

const isUnauthenticated = (error: unknown): error is KafkaError =>
  error instanceof KafkaError && error.code === 'UNAUTHENTICATED'

/** Whose own key it was. */
const suspendedOrganisation = (error: unknown): string | undefined =>
  error instanceof KafkaError && error.code === 'CLUSTER_AUTHORIZATION_FAILED'
    ? textOf(error.details.organisationId)
    : undefined

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
