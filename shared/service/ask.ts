// The questions that an authorised cluster asks of its caller's rights, and the refusals where the answer is no: the
// same words whether what is named is there or not.

import { type ErrorName, KafkaError } from '../base/errors.ts'
import {
  type AclBinding,
  type AskedOperation,
  clusterResource,
  type Resource,
  type ResourceType,
} from '../security/acl.ts'
import { isInternalTopic } from '../topics/names.ts'

/** What answered a question: a binding, for or against; undefined: nothing is bound, and the answer is no. */
export type Decision = AclBinding | 'SUPER_USER' | undefined

export const isGranted = (decision: Decision): boolean =>
  decision === 'SUPER_USER' || decision?.permission === 'ALLOW'

/** What one caller may do in one cluster. */
export interface Rights {
  decide(operation: AskedOperation, resource: Resource): Decision
  /** On any resource of the type. */
  isAllowedSomewhere(operation: AskedOperation, type: ResourceType): boolean
  /** As they are now, for whoever has been at it for longer. Error: UNAUTHENTICATED, when the credentials ended. */
  renewed(): Promise<Rights>
}

/** The questions; `require…` refuse where the answer is no. */
export interface Ask {
  topic(operation: AskedOperation, name: string): boolean
  requireTopic(operation: AskedOperation, name: string): void
  /** undefined: it may. */
  topicRefusal(operation: AskedOperation, name: string): RefusedError | undefined
  requireGroup(operation: AskedOperation, groupId: string): void
  cluster(operation: AskedOperation): boolean
  requireCluster(operation: AskedOperation): void
  group(operation: AskedOperation, groupId: string): boolean
}

/** A right that was missing, and what said so. */
export interface Denied {
  readonly operation: AskedOperation
  readonly resource: Resource
  readonly decision: Decision
}

export class RefusedError extends KafkaError {
  readonly denied: Denied

  constructor(code: ErrorName, message: string, denied: Denied) {
    super(code, message)
    this.denied = denied
  }
}

export function createAsk({ decide }: Rights): Ask {
  // What the audit log says is for those who rule the cluster, and changed by nobody.
  const decideInternal = (operation: AskedOperation) =>
    looks.includes(operation) ? decide('ALTER', clusterResource) : undefined
  const decideTopic = (operation: AskedOperation, name: string) =>
    isInternalTopic(name) ? decideInternal(operation) : decide(operation, { type: 'TOPIC', name })
  const topicRefusal = (operation: AskedOperation, name: string) => {
    const decision = decideTopic(operation, name)
    if (isGranted(decision)) return undefined
    const denied = { operation, resource: { type: 'TOPIC', name }, decision } as const
    return new RefusedError('TOPIC_AUTHORIZATION_FAILED', `Not authorized to access topic ${name}.`, denied)
  }
  return {
    topic: (operation, name) => isGranted(decideTopic(operation, name)),
    topicRefusal,
    group: (operation, name) => isGranted(decide(operation, { type: 'GROUP', name })),
    cluster: (operation) => isGranted(decide(operation, clusterResource)),
    requireCluster(operation) {
      const decision = decide(operation, clusterResource)
      if (isGranted(decision)) return
      const denied = { operation, resource: clusterResource, decision }
      throw new RefusedError('CLUSTER_AUTHORIZATION_FAILED', 'Not authorized for this cluster.', denied)
    },
    requireTopic(operation, name) {
      const refusal = topicRefusal(operation, name)
      if (refusal !== undefined) throw refusal
    },
    requireGroup(operation, groupId) {
      const resource = { type: 'GROUP', name: groupId } as const
      const decision = decide(operation, resource)
      if (isGranted(decision)) return
      const message = `Not authorized to access group ${groupId}.`
      throw new RefusedError('GROUP_AUTHORIZATION_FAILED', message, { operation, resource, decision })
    },
  }
}

const looks: readonly AskedOperation[] = ['READ', 'DESCRIBE', 'DESCRIBE_CONFIGS']
