// What operators and organisations change of the deployment, told to the audit log of the cluster it is about, or to
// the deployment's. Of a cluster it is only when the caller found it: what a stranger names is no business of its log.

import { formatIsoInstant } from '../base/isoTime.ts'
import type { ApiKeyItem } from '../metadata/apiKeyItem.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import type { WantedCluster } from '../tenants/clusters.ts'
import type { Organisation } from '../tenants/organisations.ts'
import type { Administration, Operator } from './administration.ts'
import { type Facts, valueChanges } from './auditFacts.ts'

export interface OperatorChange {
  /** Confluent Cloud's name of the request. */
  readonly method: string
  readonly clusterId: string | undefined
  readonly about: string
  readonly request?: Facts | undefined
  readonly result?: Facts | undefined
}

/** `status`: SUCCESS, or how it failed. */
export type Around = <T>(
  change: (answer: T | undefined) => OperatorChange,
  work: () => Promise<T>,
) => Promise<T>

export function createAuditedOperator(operator: Operator, around: Around): Operator {
  return {
    ...createAuditedAdministration(operator, around),
    organisations: auditOrganisations(operator, around),
    clusters: {
      ...operator.clusters,
      ...auditClusters(operator.clusters, around),
      grant: auditGrant(operator.clusters.grant, around),
    },
    operatorKeys: auditOperatorKeys(operator, around),
    identityProviders: auditProviders(operator, around),
  }
}

export function createAuditedAdministration(administration: Administration, around: Around): Administration {
  return {
    ...administration,
    clusters: {
      ...administration.clusters,
      ...auditClusters(administration.clusters, around),
      grant: auditGrant(administration.clusters.grant, around),
    },
    accounts: auditAccounts(administration, around),
    apiKeys: auditApiKeys(administration, around),
  }
}

const of = (
  method: string,
  about: string,
  clusterId?: string,
  facts: Pick<OperatorChange, 'request' | 'result'> = {},
): OperatorChange => ({ method, about, clusterId, ...facts })

function auditOrganisations({ organisations }: Operator, around: Around): Operator['organisations'] {
  return {
    ...organisations,
    create: (name) =>
      around(
        (made) =>
          of('CreateOrganization', `organization=${made?.id ?? ''}`, undefined, {
            request: { displayName: name },
            result: made && { id: made.id },
          }),
        () => organisations.create(name),
      ),
    update(id, change) {
      let before: Organisation | undefined
      return around(
        (after) =>
          of('UpdateOrganization', `organization=${id}/state=${after?.state ?? ''}`, undefined, {
            result: before && after && changesOf(before, after),
          }),
        () =>
          organisations.update(id, (organisation) => {
            before = organisation
            return change(organisation)
          }),
      )
    },
    delete: (id) =>
      around(
        () => of('DeleteOrganization', `organization=${id}`),
        () => organisations.delete(id),
      ),
  }
}

interface ChangesClusters<W, C> {
  create(wanted: W): Promise<ClusterItem>
  update(id: string, change: (cluster: ClusterItem) => C): Promise<ClusterItem>
}

type WantedFacts = Pick<WantedCluster, 'name' | 'kmsKeyArn'> & {
  readonly organisationId: string | undefined
}

function auditClusters<W extends WantedFacts, C>(
  clusters: ChangesClusters<W, C>,
  around: Around,
): ChangesClusters<W, C> {
  return {
    create: (wanted) =>
      around(
        (made) =>
          of('CreateKafkaCluster', `kafka=${made?.clusterId ?? ''}`, made?.clusterId, {
            request: {
              displayName: wanted.name,
              organization: wanted.organisationId,
              encryptionKeyArn: wanted.kmsKeyArn,
            },
            result: made && { id: made.clusterId },
          }),
        () => clusters.create(wanted),
      ),
    update(id, change) {
      let before: ClusterItem | undefined
      return around(
        (after) =>
          of(
            after?.state === 'DELETING' ? 'DeleteKafkaCluster' : 'UpdateKafkaCluster',
            `kafka=${id}/state=${after?.state ?? ''}`,
            before?.clusterId,
            { result: before && after && changesOf(before, after) },
          ),
        () =>
          clusters.update(id, (cluster) => {
            before = cluster
            return change(cluster)
          }),
      )
    },
  }
}

const auditGrant =
  (grant: Administration['clusters']['grant'], around: Around): typeof grant =>
  (wanted) => {
    const { clusterId, accountId, role } = wanted
    let isGranted = false
    return around(
      () =>
        of('CreateRoleBinding', `service-account=${accountId}`, isGranted ? clusterId : undefined, {
          request: { principal: `User:${accountId}`, role, resource: clusterId },
        }),
      async () => {
        await grant(wanted)
        isGranted = true
      },
    )
  }

/** Of a cluster or an organisation. */
type Changeable = Pick<Organisation, 'name' | 'limits'> & { readonly state: string }

function changesOf(before: Changeable, after: Changeable): Facts {
  const names = ['displayName', 'state', ...Object.keys({ ...before.limits, ...after.limits })]
  const values = ({ name, state, limits }: Changeable) => ({ ...limits, displayName: name, state })
  const changes = valueChanges(names, values(before), values(after))
  return { changes: changes.filter(({ oldValue, newValue }) => oldValue !== newValue) }
}

function auditAccounts({ accounts }: Administration, around: Around): Administration['accounts'] {
  return {
    ...accounts,
    create: (wanted) =>
      around(
        (made) =>
          of('CreateServiceAccount', `service-account=${made?.id ?? ''}`, undefined, {
            request: { displayName: wanted.name, organization: wanted.organisationId },
            result: made && { id: made.id, organization: made.organisationId },
          }),
        () => accounts.create(wanted),
      ),
    delete: (id) =>
      around(
        () => of('DeleteServiceAccount', `service-account=${id}`),
        () => accounts.delete(id),
      ),
  }
}

function auditApiKeys({ apiKeys }: Administration, around: Around): Administration['apiKeys'] {
  return {
    ...apiKeys,
    create: (wanted) =>
      around(
        (made) => keyCreation(keyFacts({ ...wanted, owner: `User:${wanted.accountId}` }), made),
        () => apiKeys.create(wanted),
      ),
    async revoke(keyId) {
      const key = await apiKeys.get(keyId)
      return around(
        () =>
          of('DeleteAPIKey', `api-key=${keyId}`, key?.clusterId, {
            request: { id: keyId },
            result: key && keyFacts({ ...key, resourceId: key.clusterId ?? key.organisationId }),
          }),
        () => apiKeys.revoke(keyId),
      )
    },
  }
}

function auditOperatorKeys({ operatorKeys }: Operator, around: Around): Operator['operatorKeys'] {
  return {
    ...operatorKeys,
    create: (wanted) =>
      around(
        (made) => keyCreation(keyFacts({ ...wanted, resourceId: undefined }), made),
        () => operatorKeys.create(wanted),
      ),
  }
}

const keyCreation = (request: Facts, made: { readonly key: ApiKeyItem } | undefined): OperatorChange =>
  of('CreateAPIKey', `api-key=${made?.key.keyId ?? ''}`, made?.key.clusterId, {
    request,
    result: made && { id: made.key.keyId },
  })

interface ToldKey extends Pick<ApiKeyItem, 'owner' | 'expiresMs'> {
  readonly resourceId: string | undefined
}

/** Of a key as it is wanted or was; never its secret, or what that was made into. */
const keyFacts = ({ owner, resourceId, expiresMs }: ToldKey): Facts => ({
  owner,
  resource: resourceId,
  expiresAt: expiresMs === undefined ? undefined : formatIsoInstant(expiresMs),
})

function auditProviders({ identityProviders }: Operator, around: Around): Operator['identityProviders'] {
  return {
    ...identityProviders,
    create: (wanted) =>
      around(
        (made) =>
          of('CreateIdentityProvider', `identity-provider=${made?.id ?? ''}`, undefined, {
            request: { displayName: wanted.name, issuer: wanted.issuer },
            result: made && { id: made.id },
          }),
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
            { request: poolFacts(wanted), result: made && { id: made.id } },
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

type WantedPool = Parameters<Operator['identityProviders']['createPool']>[1]

const poolFacts = ({ name, identityClaim, filter, audience, clusterId }: WantedPool): Facts => ({
  displayName: name,
  identityClaim,
  filter,
  audience,
  resource: clusterId,
})
