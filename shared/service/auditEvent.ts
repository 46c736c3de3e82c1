// What an entry of the audit log looks like: a CloudEvent 1.0 as Confluent shapes it. It says who did what to which
// resource, by which right, and what came of it; it never holds a record, a secret, or more of a caller's text than
// names are long. Pure.

import { formatIsoInstant } from '../base/isoTime.ts'
import { type AskedOperation, clusterResource, type Resource } from '../security/acl.ts'
import { type Decision, isGranted } from './ask.ts'
import { bounded, type Facts, shorten } from './auditFacts.ts'

export interface AuditCaller {
  /** undefined: nobody that is known here. */
  readonly principal: string | undefined
  /** An API key's id, an identity pool's; never a secret. */
  readonly credentialId: string | undefined
  readonly mechanism: string
  readonly host: string
  readonly requestId: string
  readonly clientId: string
}

export interface AuditEntry {
  readonly kind: 'authentication' | 'authorization' | 'request'
  /** Whose log it goes to; undefined: the deployment's own. */
  readonly clusterId: string | undefined
  /** Kafka's name of the request, or Confluent Cloud's. */
  readonly method: string
  readonly caller: AuditCaller
  readonly authorization?: {
    readonly operation: AskedOperation
    readonly resource: Resource
    readonly decision: Decision
  }
  /** What it is about, where that is no resource of Kafka's: `service-account=sa-1`. */
  readonly about?: string
  readonly status: string
  /** What was asked for. */
  readonly request?: Facts | undefined
  /** What was there before, and what is there now. */
  readonly result?: Facts | undefined
}

const types = {
  authentication: 'io.confluent.kafka.server/authentication',
  authorization: 'io.confluent.kafka.server/authorization',
  request: 'io.confluent.cloud/request',
} as const

export type AuditEvent = ReturnType<typeof auditEvent>

export function auditEvent(entry: AuditEntry, id: string, timeMs: number) {
  const { caller, clusterId, method, status } = entry
  const source = clusterId === undefined ? 'crn:///' : `crn:///kafka=${clusterId}`
  const subject = subjectOf(entry, source)
  return {
    specversion: '1.0',
    id,
    source,
    subject,
    type: types[entry.kind],
    time: formatIsoInstant(timeMs),
    datacontenttype: 'application/json',
    data: {
      serviceName: source,
      methodName: entry.kind === 'request' ? method : `kafka.${method}`,
      resourceName: subject,
      authenticationInfo: {
        principal: shorten(caller.principal ?? 'None:UNKNOWN_USER'),
        metadata: { mechanism: caller.mechanism, identifier: shorten(caller.credentialId ?? '') },
      },
      ...authorizationInfo(entry),
      request: {
        correlationId: caller.requestId,
        clientId: shorten(caller.clientId),
        ...dataOf(entry.request),
      },
      requestMetadata: { clientAddress: [{ ip: caller.host }] },
      result: { status, ...dataOf(entry.result) },
    },
  }
}

function authorizationInfo({ authorization }: AuditEntry) {
  if (authorization === undefined) return {}
  const { operation, resource, decision } = authorization
  return {
    authorizationInfo: {
      granted: isGranted(decision),
      operation: camel(operation),
      resourceType: camel(resource.type),
      resourceName: shorten(resource.name),
      patternType: 'LITERAL',
      ...decidedBy(decision),
    },
  }
}

/** Nothing, where nothing was bound. */
function decidedBy(decision: Decision) {
  if (decision === undefined) return {}
  if (decision === 'SUPER_USER') return { superUserAuthorization: true }
  return {
    aclAuthorization: {
      permissionType: decision.permission,
      operation: camel(decision.operation),
      resourceType: camel(decision.resourceType),
      patternName: shorten(decision.resourceName),
      patternType: decision.patternType,
      actingPrincipal: shorten(decision.principal),
      host: decision.host,
    },
  }
}

function subjectOf({ authorization, about }: AuditEntry, source: string): string {
  const resource = authorization?.resource
  const separator = source.endsWith('/') ? '' : '/'
  if (about !== undefined) return `${source}${separator}${shorten(about)}`
  if (resource === undefined || resource.type === clusterResource.type) return source
  const name = encodeURIComponent(shorten(resource.name).toWellFormed())
  return `${source}${separator}${resource.type.toLowerCase()}=${name}`
}

/** DESCRIBE_CONFIGS as Kafka writes it: DescribeConfigs. */
const camel = (name: string): string =>
  name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase())

const dataOf = (facts: Facts | undefined) => (facts === undefined ? {} : { data: bounded(facts) })
