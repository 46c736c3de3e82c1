// Kafka's access control: who may do what to which resource, decided from the bindings alone. Source: KIP-11, KIP-290
// (prefixed patterns) and the behaviour of StandardAuthorizer. A denial wins over every allowance, whatever is closer;
// where nothing matches, the answer is no.

import { KafkaError } from '../base/errors.ts'
import { canonicalAddress } from '../base/ipAddress.ts'

export const resourceTypes = [
  'TOPIC',
  'GROUP',
  'CLUSTER',
  'TRANSACTIONAL_ID',
  'DELEGATION_TOKEN',
  'USER',
] as const
export type ResourceType = (typeof resourceTypes)[number]

export const aclOperations = [
  'ALL',
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'CLUSTER_ACTION',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE',
  'CREATE_TOKENS',
  'DESCRIBE_TOKENS',
] as const
export type AclOperation = (typeof aclOperations)[number]
/** What is asked of the authoriser: ALL is granted, never asked. */
export type AskedOperation = Exclude<AclOperation, 'ALL'>

export interface AclBinding {
  readonly resourceType: ResourceType
  readonly resourceName: string
  readonly patternType: 'LITERAL' | 'PREFIXED'
  /** `User:…`; the type is case-sensitive. `User:*` is everybody. */
  readonly principal: string
  /** An IP address in its one spelling (ipAddress.ts), as those of connections are, or `*`. */
  readonly host: string
  readonly operation: AclOperation
  readonly permission: 'ALLOW' | 'DENY'
}

export interface Resource {
  readonly type: ResourceType
  readonly name: string
}

export interface Requester {
  /** A user's own name first, then those that stand for it, such as its groups' or roles'. */
  readonly principals: readonly string[]
  readonly host: string
}

/** The one name of a resource of type CLUSTER. */
export const clusterResource: Resource = { type: 'CLUSTER', name: 'kafka-cluster' }

/** Bindings laid out for the question; made once for each state of a cluster's bindings. */
export interface AclIndex {
  readonly literal: ReadonlyMap<string, readonly AclBinding[]>
  /** By resource type. */
  readonly prefixed: ReadonlyMap<ResourceType, readonly AclBinding[]>
  readonly all: readonly AclBinding[]
}

export function indexAcls(bindings: readonly AclBinding[]): AclIndex {
  const literal = Map.groupBy(
    bindings.filter(({ patternType }) => patternType === 'LITERAL'),
    ({ resourceType, resourceName }) => literalKey(resourceType, resourceName),
  )
  const prefixed = Map.groupBy(
    bindings.filter(({ patternType }) => patternType === 'PREFIXED'),
    ({ resourceType }) => resourceType,
  )
  return { literal, prefixed, all: bindings }
}

/**
 * The binding that decides, for or against; undefined: none matches, and the answer is no. Of several that allow it is
 * the closest: the resource's own, then one of the wildcard, then one of a prefix.
 */
export function decide(
  { literal, prefixed }: AclIndex,
  requester: Requester,
  operation: AskedOperation,
  { type, name }: Resource,
): AclBinding | undefined {
  const own = literal.get(literalKey(type, name))
  const wildcard = name === '*' ? undefined : literal.get(literalKey(type, '*'))
  let allowance: AclBinding | undefined
  for (const bindings of [own, wildcard, prefixed.get(type)]) {
    for (const binding of bindings ?? []) {
      if (!isAbout(binding, name) || !concerns(binding, requester)) continue
      if (denies(binding, operation)) return binding
      if (allowance === undefined && allows(binding, operation)) allowance = binding
    }
  }
  return allowance
}

/**
 * Whether there is any resource of the type on which the operation is allowed: Kafka's authorizeByResourceType. An
 * allowance counts unless a denial covers all of its pattern.
 */
export function isAllowedSomewhere(
  acls: AclIndex,
  requester: Requester,
  operation: AskedOperation,
  type: ResourceType,
): boolean {
  const bindings = acls.all.filter((binding) => binding.resourceType === type && concerns(binding, requester))
  const denials = bindings.filter((binding) => denies(binding, operation))
  return bindings.some(
    (binding) => allows(binding, operation) && !denials.some((denial) => covers(denial, binding)),
  )
}

const literalKey = (type: ResourceType, name: string): string => `${type}/${name}`

/** Of bindings of its type, literal ones being found by the name. */
const isAbout = ({ patternType, resourceName }: AclBinding, name: string): boolean =>
  patternType === 'LITERAL' || name.startsWith(resourceName)

function concerns({ principal, host }: AclBinding, requester: Requester): boolean {
  if (host !== '*' && host !== requester.host) return false
  return principal === 'User:*' || requester.principals.includes(principal)
}

function denies({ permission, operation }: AclBinding, asked: AskedOperation): boolean {
  return permission === 'DENY' && (operation === asked || operation === 'ALL')
}

/** An allowance implies others, a denial none. */
const impliedBy: Partial<Record<AskedOperation, readonly AclOperation[]>> = {
  DESCRIBE: ['READ', 'WRITE', 'DELETE', 'ALTER'],
  DESCRIBE_CONFIGS: ['ALTER_CONFIGS'],
}

function allows({ permission, operation }: AclBinding, asked: AskedOperation): boolean {
  if (permission === 'DENY') return false
  return operation === asked || operation === 'ALL' || (impliedBy[asked] ?? []).includes(operation)
}

/** Whether every resource of the second pattern is one of the first. */
function covers(wide: AclBinding, narrow: AclBinding): boolean {
  if (wide.patternType === 'PREFIXED') {
    const isAny = narrow.patternType === 'LITERAL' && narrow.resourceName === '*'
    return !isAny && narrow.resourceName.startsWith(wide.resourceName)
  }
  if (wide.resourceName === '*') return true
  return narrow.patternType === 'LITERAL' && narrow.resourceName === wide.resourceName
}

/** What a binding must be like; an absent field takes anything. */
export interface AclFilter {
  readonly resourceType?: ResourceType
  readonly resourceName?: string
  /** MATCH: every pattern that has to do with resourceName, its own, the wildcard and prefixes of it. */
  readonly patternType?: 'LITERAL' | 'PREFIXED' | 'MATCH'
  readonly principal?: string
  readonly host?: string
  readonly operation?: AclOperation
  readonly permission?: 'ALLOW' | 'DENY'
}

export function matchesFilter(binding: AclBinding, filter: AclFilter): boolean {
  const same = <K extends 'resourceType' | 'principal' | 'host' | 'operation' | 'permission'>(field: K) =>
    filter[field] === undefined || filter[field] === binding[field]
  return (
    same('resourceType') &&
    same('principal') &&
    same('host') &&
    same('operation') &&
    same('permission') &&
    matchesPattern(binding, filter)
  )
}

function matchesPattern(binding: AclBinding, { resourceName, patternType }: AclFilter): boolean {
  if (patternType !== 'MATCH') {
    if (patternType !== undefined && patternType !== binding.patternType) return false
    return resourceName === undefined || resourceName === binding.resourceName
  }
  if (resourceName === undefined) return true
  if (binding.patternType === 'PREFIXED') return resourceName.startsWith(binding.resourceName)
  return binding.resourceName === resourceName || binding.resourceName === '*'
}

/** Which operations make sense on a resource; Kafka's AclEntry.supportedOperations. */
const operationsOn: Readonly<Record<ResourceType, readonly AclOperation[]>> = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  CLUSTER: [
    'CREATE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
    'ALTER',
    'DESCRIBE',
  ],
  TRANSACTIONAL_ID: ['DESCRIBE', 'WRITE'],
  DELEGATION_TOKEN: ['DESCRIBE'],
  USER: ['CREATE_TOKENS', 'DESCRIBE_TOKENS'],
}

const nameBytesMax = 1024

/** Refuses what could never apply. Error: INVALID_REQUEST, naming the field. */
export function checkBinding(binding: AclBinding): void {
  const { resourceType, resourceName, patternType, principal, host, operation } = binding
  const refuse = (sentence: string): never => {
    throw new KafkaError('INVALID_REQUEST', sentence)
  }
  if (resourceName === '' || Buffer.byteLength(resourceName) > nameBytesMax) {
    refuse(`resource_name must have 1 to ${nameBytesMax} bytes.`)
  }
  if (resourceType === 'CLUSTER' && (resourceName !== clusterResource.name || patternType !== 'LITERAL')) {
    refuse(`The only resource of type CLUSTER is the LITERAL '${clusterResource.name}'.`)
  }
  if (patternType === 'PREFIXED' && resourceName === '*') refuse("'*' is a LITERAL pattern, no prefix.")
  if (!/^\p{Lu}[\p{L}\d]*:./u.test(principal) || Buffer.byteLength(principal) > nameBytesMax) {
    refuse('principal must be a type and a name, such as User:alice.')
  }
  const principalName = principal.slice(principal.indexOf(':') + 1)
  if (principalName !== principalName.trim()) {
    refuse('principal: the name must not begin or end with white space.')
  }
  const address = host === '*' ? '*' : canonicalAddress(host)
  if (address === undefined) refuse('host must be an IP address or *.')
  if (address !== host) refuse(`host ${host} is written ${address}, as connections show it.`)
  if (operation !== 'ALL' && !operationsOn[resourceType].includes(operation)) {
    refuse(`operation ${operation} does not apply to a resource of type ${resourceType}.`)
  }
}
