// The questions that an authorised cluster asks of its caller's rights, and the refusals where the answer is no: the
// same words whether what is named is there or not.

import { type ErrorName, KafkaError } from '../base/errors.ts'
import {
  type AskedOperation,
  aclOperations,
  clusterResource,
  type Resource,
  type ResourceType,
  resourceTypes,
} from '../security/acl.ts'
import { isInternalTopic } from '../topics/names.ts'

/** What one caller may do in one cluster. */
export interface Rights {
  isAllowed(operation: AskedOperation, resource: Resource): boolean
  /** On any resource of the type. */
  isAllowedSomewhere(operation: AskedOperation, type: ResourceType): boolean
  /** As they are now, for whoever has been at it for longer. Error: UNAUTHENTICATED, when the credentials ended. */
  renewed(): Promise<Rights>
}

/** The questions; `require…` refuse where the answer is no. */
export interface Ask {
  topic(operation: AskedOperation, name: string): boolean
  requireTopic(operation: AskedOperation, name: string): void
  requireGroup(operation: AskedOperation, groupId: string): void
  cluster(operation: AskedOperation): boolean
  requireCluster(operation: AskedOperation): void
  group(operation: AskedOperation, groupId: string): boolean
}

export function createAsk({ isAllowed }: Rights): Ask {
  // What the audit log says is for those who rule the cluster, and changed by nobody.
  const internal = (operation: AskedOperation) =>
    looks.includes(operation) && isAllowed('ALTER', clusterResource)
  const topic = (operation: AskedOperation, name: string) =>
    isInternalTopic(name) ? internal(operation) : isAllowed(operation, { type: 'TOPIC', name })
  const group = (operation: AskedOperation, name: string) => isAllowed(operation, { type: 'GROUP', name })
  return {
    topic,
    group,
    cluster: (operation) => isAllowed(operation, clusterResource),
    requireCluster(operation) {
      if (isAllowed(operation, clusterResource)) return
      const message = 'Not authorized for this cluster.'
      throw refused('CLUSTER_AUTHORIZATION_FAILED', message, operation, clusterResource)
    },
    requireTopic(operation, name) {
      if (!topic(operation, name)) throw topicRefused(name, operation)
    },
    requireGroup(operation, groupId) {
      if (group(operation, groupId)) return
      const message = `Not authorized to access group ${groupId}.`
      throw refused('GROUP_AUTHORIZATION_FAILED', message, operation, { type: 'GROUP', name: groupId })
    },
  }
}

const looks: readonly AskedOperation[] = ['READ', 'DESCRIBE', 'DESCRIBE_CONFIGS']

export const refused = (
  code: ErrorName,
  message: string,
  operation: AskedOperation,
  { type, name }: Resource,
): KafkaError => new KafkaError(code, message, { operation, resourceType: type, resourceName: name })

export const topicRefused = (name: string, operation: AskedOperation = 'READ'): KafkaError =>
  refused('TOPIC_AUTHORIZATION_FAILED', `Not authorized to access topic ${name}.`, operation, {
    type: 'TOPIC',
    name,
  })

/** Which right was missing; undefined: the error is about something else. */
export function deniedIn(error: unknown): { operation: AskedOperation; resource: Resource } | undefined {
  if (!(error instanceof KafkaError)) return undefined
  const { operation: asked, resourceType, resourceName } = error.details
  const operation = aclOperations.find((one) => one === asked)
  const type = resourceTypes.find((one) => one === resourceType)
  if (operation === undefined || operation === 'ALL' || type === undefined) return undefined
  return { operation, resource: { type, name: String(resourceName) } }
}
