// What operators change of the deployment, told to the audit log of the cluster it is about, or to the deployment's.

import type { Operator } from './access.ts'

export interface OperatorChange {
  /** Confluent Cloud's name of the request. */
  readonly method: string
  readonly clusterId: string | undefined
  readonly about: string
}

/** `status`: SUCCESS, or how it failed. */
export type Around = <T>(
  change: (answer: T | undefined) => OperatorChange,
  work: () => Promise<T>,
) => Promise<T>

export function createAuditedOperator(operator: Operator, around: Around): Operator {
  return {
    ...operator,
    clusters: auditClusters(operator, around),
    accounts: auditAccounts(operator, around),
    apiKeys: auditApiKeys(operator, around),
    identityProviders: auditProviders(operator, around),
  }
}

const of = (method: string, about: string, clusterId?: string): OperatorChange => ({
  method,
  about,
  clusterId,
})

function auditClusters({ clusters }: Operator, around: Around): Operator['clusters'] {
  return {
    ...clusters,
    create: (wanted, id) =>
      around(
        (made) => of('CreateKafkaCluster', `kafka=${made?.clusterId ?? id ?? ''}`, made?.clusterId),
        () => clusters.create(wanted, id),
      ),
    update: (id, change) =>
      around(
        (after) => of('UpdateKafkaCluster', `kafka=${id}/state=${after?.state ?? ''}`, id),
        () => clusters.update(id, change),
      ),
  }
}

function auditAccounts({ accounts }: Operator, around: Around): Operator['accounts'] {
  return {
    ...accounts,
    create: (name, description) =>
      around(
        (made) => of('CreateServiceAccount', `service-account=${made?.id ?? ''}`),
        () => accounts.create(name, description),
      ),
    delete: (id) =>
      around(
        () => of('DeleteServiceAccount', `service-account=${id}`),
        () => accounts.delete(id),
      ),
  }
}

function auditApiKeys({ apiKeys }: Operator, around: Around): Operator['apiKeys'] {
  return {
    ...apiKeys,
    create: (wanted) =>
      around(
        (made) => of('CreateAPIKey', `api-key=${made?.key.keyId ?? ''}`, wanted.clusterId),
        () => apiKeys.create(wanted),
      ),
    async revoke(keyId) {
      const key = await apiKeys.get(keyId)
      return around(
        () => of('DeleteAPIKey', `api-key=${keyId}`, key?.clusterId),
        () => apiKeys.revoke(keyId),
      )
    },
  }
}

function auditProviders({ identityProviders }: Operator, around: Around): Operator['identityProviders'] {
  return {
    ...identityProviders,
    create: (wanted) =>
      around(
        (made) => of('CreateIdentityProvider', `identity-provider=${made?.id ?? ''}`),
        () => identityProviders.create(wanted),
      ),
    delete: (id) =>
      around(
        () => of('DeleteIdentityProvider', `identity-provider=${id}`),
        () => identityProviders.delete(id),
      ),
    createPool: (providerId, wanted) =>
      around(
        (made) =>
          of(
            'CreateIdentityPool',
            `identity-provider=${providerId}/pool=${made?.id ?? ''}`,
            wanted.clusterId,
          ),
        () => identityProviders.createPool(providerId, wanted),
      ),
    deletePool: (providerId, id) =>
      around(
        () => of('DeleteIdentityPool', `identity-provider=${providerId}/pool=${id}`),
        () => identityProviders.deletePool(providerId, id),
      ),
  }
}
