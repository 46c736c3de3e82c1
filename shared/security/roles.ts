// Confluent Cloud's role names as bundles of ACL bindings: what a role grants is written down as bindings, which are
// then all there is to look at. Source: the roles of Confluent Cloud RBAC that apply to a Kafka cluster, and the
// bundles of `kafka-acls --producer` and `--consumer`.

import {
  type AclBinding,
  type AclOperation,
  clusterResource,
  type ResourceType,
  resourceTypes,
} from './acl.ts'

export const roleNames = [
  'CloudClusterAdmin',
  'ResourceOwner',
  'DeveloperManage',
  'DeveloperRead',
  'DeveloperWrite',
  'Operator',
] as const
export type RoleName = (typeof roleNames)[number]

/** Those that are about a whole cluster. */
export const clusterRoleNames = ['CloudClusterAdmin', 'Operator'] as const satisfies readonly RoleName[]
export type ClusterRoleName = (typeof clusterRoleNames)[number]

export interface RoleBinding {
  readonly role: RoleName
  readonly principal: string
  /** What a role of resources is about; roles of the whole cluster take none. */
  readonly resource:
    | {
        readonly type: ResourceType
        readonly name: string
        readonly patternType: AclBinding['patternType']
      }
    | undefined
}

type Grants = Partial<Record<ResourceType, readonly AclOperation[]>>

/** Of every resource of these types. */
const clusterRoles: Partial<Record<RoleName, Grants>> & Record<ClusterRoleName, Grants> = {
  CloudClusterAdmin: { CLUSTER: ['ALL'], TOPIC: ['ALL'], GROUP: ['ALL'], TRANSACTIONAL_ID: ['ALL'] },
  Operator: {
    CLUSTER: ['DESCRIBE', 'DESCRIBE_CONFIGS'],
    TOPIC: ['DESCRIBE', 'DESCRIBE_CONFIGS'],
    GROUP: ['DESCRIBE'],
  },
}

/** Of the resource that the binding names. */
const resourceRoles: Partial<Record<RoleName, Grants>> = {
  ResourceOwner: { TOPIC: ['ALL'], GROUP: ['ALL'], TRANSACTIONAL_ID: ['ALL'] },
  DeveloperManage: {
    TOPIC: ['CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
    GROUP: ['DELETE', 'DESCRIBE'],
  },
  DeveloperRead: { TOPIC: ['READ', 'DESCRIBE'], GROUP: ['READ', 'DESCRIBE'] },
  DeveloperWrite: { TOPIC: ['WRITE', 'DESCRIBE'], TRANSACTIONAL_ID: ['WRITE', 'DESCRIBE'] },
}

/** Empty: the role does not go with that resource, or without one. */
export function bindingsOfRole({ role, principal, resource }: RoleBinding): readonly AclBinding[] {
  if (resource === undefined) {
    return resourceTypes.flatMap((type) => {
      const name = type === 'CLUSTER' ? clusterResource.name : '*'
      return allow(principal, { type, name, patternType: 'LITERAL' }, clusterRoles[role]?.[type] ?? [])
    })
  }
  return allow(principal, resource, resourceRoles[role]?.[resource.type] ?? [])
}

const allow = (
  principal: string,
  { type, name, patternType }: NonNullable<RoleBinding['resource']>,
  operations: readonly AclOperation[],
): readonly AclBinding[] =>
  operations.map((operation) => ({
    resourceType: type,
    resourceName: name,
    patternType,
    principal,
    host: '*',
    operation,
    permission: 'ALLOW',
  }))
