// What is administered of a deployment, and by whom: operators see all organisations, the holder of an organisation's
// own key sees that one. What is another's is refused in the same words, after the same reads, as what is not there.
// What operators alone may do is no part of an organisation's view, so that no route can offer it by mistake.

import { KafkaError } from '../base/errors.ts'
import type { ApiKeyItem, KeyResource } from '../metadata/apiKeyItem.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import { type ListPage, onlyPage, type PageWanted } from '../ports/queryPage.ts'
import { type ApiKeys, type ApiKeyToCreate, apiKeyNotFound } from '../security/apiKeys.ts'
import type { IdentityProviders } from '../security/identityProviders.ts'
import { bindingsOfRole, type ClusterRoleName } from '../security/roles.ts'
import { type ClusterRegistry, clusterNotFound, type WantedCluster } from '../tenants/clusters.ts'
import { ofOrganisation, requireWithin } from '../tenants/limits.ts'
import {
  defaultOrganisationId,
  isOrganisationId,
  type Organisation,
  type Organisations,
  organisationHasClusters,
  organisationNotFound,
} from '../tenants/organisations.ts'
import { accountNotFound, type ServiceAccount, type ServiceAccounts } from '../tenants/serviceAccounts.ts'
import type { Acls } from './cluster.ts'
import { revokeAll, revokeKeysOf } from './revokeKeys.ts'

/** undefined: the organisation of whoever asks; operators': the default one. */
type OrganisationWanted = string | undefined

export interface WantedKey extends Pick<ApiKeyToCreate, 'description' | 'expiresMs'> {
  /** A cluster, or an organisation itself. */
  readonly resourceId: string
  /** A service account of that organisation. */
  readonly accountId: string
}

/** In the whole cluster, to a service account of its organisation. */
export interface WantedRole {
  readonly organisationId: string
  readonly clusterId: string
  readonly accountId: string
  readonly role: ClusterRoleName
}

export interface Administration {
  readonly organisations: Pick<Organisations, 'get' | 'listPage'>
  readonly clusters: {
    create(
      wanted: Pick<WantedCluster, 'name'> & { readonly organisationId: OrganisationWanted },
    ): Promise<ClusterItem>
    get(clusterId: string): Promise<ClusterItem | undefined>
    listPage(wanted: PageWanted): Promise<ListPage<ClusterItem>>
    update(
      clusterId: string,
      change: (cluster: ClusterItem) => { readonly name?: string; readonly state?: 'DELETING' },
    ): Promise<ClusterItem>
    grant(wanted: WantedRole): Promise<void>
  }
  readonly accounts: {
    create(wanted: {
      readonly organisationId: OrganisationWanted
      readonly name: string
      readonly description: string
    }): Promise<ServiceAccount>
    get(id: string): Promise<ServiceAccount | undefined>
    listPage(wanted: PageWanted): Promise<ListPage<ServiceAccount>>
    /** And its keys. */
    delete(id: string): Promise<void>
  }
  readonly apiKeys: {
    create(wanted: WantedKey): ReturnType<ApiKeys['create']>
    get(keyId: string): Promise<ApiKeyItem | undefined>
    /** Of a cluster, or of an organisation itself. */
    listPage(resourceId: string, wanted: PageWanted): Promise<ListPage<ApiKeyItem>>
    revoke(keyId: string): Promise<void>
  }
}

export interface Operator extends Administration {
  /** Deletes what an organisation has beside clusters with it. */
  readonly organisations: Organisations
  readonly clusters: Pick<Administration['clusters'], 'get' | 'listPage' | 'grant'> & {
    create(
      wanted: Omit<WantedCluster, 'organisationId'> & { readonly organisationId: OrganisationWanted },
    ): Promise<ClusterItem>
    update: ClusterRegistry['update']
  }
  readonly operatorKeys: {
    create(wanted: Pick<ApiKeyToCreate, 'owner' | 'description' | 'expiresMs'>): ReturnType<ApiKeys['create']>
    listPage(wanted: PageWanted): Promise<ListPage<ApiKeyItem>>
  }
  readonly identityProviders: IdentityProviders
}

export interface AdministrationDeps {
  readonly organisations: Organisations
  readonly clusters: ClusterRegistry
  readonly accounts: ServiceAccounts
  readonly apiKeys: ApiKeys
  readonly identityProviders: IdentityProviders
  readonly aclsOf: (clusterId: string) => Acls
}

/** Of one organisation. */
export const createAdministration = (deps: AdministrationDeps, organisationId: string): Administration =>
  administer(deps, organisationId)

export function createOperator(deps: AdministrationDeps): Operator {
  const { organisations, clusters, accounts, apiKeys, identityProviders } = deps
  const all = administer(deps, undefined)
  return {
    ...all,
    identityProviders,
    organisations: {
      ...organisations,
      async delete(id) {
        const organisation = await organisations.get(id)
        if (organisation === undefined) throw organisationNotFound(id)
        if (organisation.clusterCount > 0) throw organisationHasClusters(id)
        // Before the organisation, so that a deletion that was interrupted is repeated.
        await revokeAll(deps, await apiKeys.list({ clusterId: undefined, organisationId: id }))
        for (const account of await accounts.list(id)) await accounts.delete(id, account.id)
        await organisations.delete(id)
      },
    },
    clusters: {
      ...all.clusters,
      update: clusters.update,
      create: ({ organisationId = defaultOrganisationId, ...wanted }) =>
        clusters.create({ ...wanted, organisationId }),
    },
    operatorKeys: {
      create(wanted) {
        if (/^User:sa-/.test(wanted.owner)) {
          const message = 'An operator is no service account: say by another name whose key it is.'
          throw new KafkaError('INVALID_REQUEST', message)
        }
        return apiKeys.create({ ...wanted, clusterId: undefined })
      },
      listPage: (wanted) => apiKeys.listPage({ clusterId: undefined }, wanted),
    },
  }
}

/** What there is of `only`, or of all organisations. */
interface View extends AdministrationDeps {
  readonly only: string | undefined
}

function administer(deps: AdministrationDeps, only: string | undefined): Administration {
  const view: View = { ...deps, only }
  return {
    organisations: viewOrganisations(view),
    clusters: viewClusters(view),
    accounts: viewAccounts(view),
    apiKeys: viewApiKeys(view),
  }
}

const isOwn = ({ only }: View, organisationId: string | undefined): boolean =>
  only === undefined || only === organisationId

function viewOrganisations(view: View): Administration['organisations'] {
  const { organisations, only } = view
  const get = async (id: string) => (isOwn(view, id) ? organisations.get(id) : undefined)
  return {
    get,
    listPage: async (wanted) =>
      only === undefined
        ? organisations.listPage(wanted)
        : onlyPage(wanted, [await requireOrganisation(view, only)]),
  }
}

function viewClusters(view: View): Administration['clusters'] {
  const { clusters, only, aclsOf } = view
  return {
    create: async ({ organisationId = only ?? defaultOrganisationId, name }) => {
      if (!isOwn(view, organisationId)) throw organisationNotFound(organisationId)
      return clusters.create({ organisationId, name })
    },
    async get(clusterId) {
      const cluster = await clusters.get(clusterId)
      return isOwn(view, cluster?.organisationId) ? cluster : undefined
    },
    listPage: (wanted) => clusters.listPage(only, wanted),
    update: (clusterId, change) =>
      clusters.update(clusterId, (cluster) => {
        if (!isOwn(view, cluster.organisationId)) throw clusterNotFound(clusterId)
        const { name = cluster.name, state = cluster.state } = change(cluster)
        return { name, state }
      }),
    async grant({ organisationId, clusterId, accountId, role }) {
      const cluster = await requireCluster(view, clusterId)
      if (cluster.organisationId !== organisationId) throw clusterNotFound(clusterId)
      await requireAccount(view, organisationId, accountId)
      const principal = `User:${accountId}`
      await aclsOf(clusterId).create(bindingsOfRole({ role, principal, resource: undefined }))
    },
  }
}

function viewAccounts(view: View): Administration['accounts'] {
  const { accounts, only } = view
  const get = async (id: string) =>
    only === undefined
      ? (await accounts.list(undefined)).find((one) => one.id === id)
      : accounts.get(only, id)
  return {
    async create({ organisationId = only ?? defaultOrganisationId, name, description }) {
      const { limits } = await requireOrganisation(view, organisationId)
      const count = (await accounts.list(organisationId)).length
      ofOrganisation.requireWithin(limits, 'service_accounts', count + 1)
      return accounts.create(organisationId, name, description)
    },
    get,
    listPage: (wanted) => accounts.listPage(only, wanted),
    async delete(id) {
      const account = await get(id)
      if (account === undefined) throw accountNotFound(id)
      // Before the account, so that a deletion that was interrupted is repeated.
      await revokeKeysOf(view, account)
      await accounts.delete(account.organisationId, id)
    },
  }
}

function viewApiKeys(view: View): Administration['apiKeys'] {
  const { apiKeys } = view
  const get = async (keyId: string) => {
    const key = await apiKeys.get(keyId)
    return isOwn(view, key?.organisationId) ? key : undefined
  }
  return {
    async create({ resourceId, accountId, description, expiresMs }) {
      const { resource, requireOneMore } = await requireResource(view, resourceId)
      requireOneMore((await apiKeys.list(resource)).length)
      await requireAccount(view, resource.organisationId, accountId)
      return apiKeys.create({ ...resource, owner: `User:${accountId}`, description, expiresMs })
    },
    get,
    listPage: async (resourceId, wanted) =>
      apiKeys.listPage((await requireResource(view, resourceId)).resource, wanted),
    async revoke(keyId) {
      if ((await get(keyId)) === undefined) throw apiKeyNotFound(keyId)
      await apiKeys.revoke(keyId)
    },
  }
}

interface OwnedResource {
  readonly resource: KeyResource & { readonly organisationId: string }
  /** Beside so many that are there. Error: POLICY_VIOLATION. */
  requireOneMore(count: number): void
}

async function requireResource(view: View, id: string): Promise<OwnedResource> {
  if (isOrganisationId(id)) {
    const { limits } = await requireOrganisation(view, id)
    return {
      resource: { clusterId: undefined, organisationId: id },
      requireOneMore: (count) => ofOrganisation.requireWithin(limits, 'api_keys', count + 1),
    }
  }
  const { organisationId, limits } = await requireCluster(view, id)
  return {
    resource: { clusterId: id, organisationId },
    requireOneMore: (count) => requireWithin(limits, 'api_keys', count + 1),
  }
}

async function requireOrganisation(view: View, id: string): Promise<Organisation> {
  const organisation = isOwn(view, id) ? await view.organisations.get(id) : undefined
  if (organisation === undefined) throw organisationNotFound(id)
  return organisation
}

async function requireCluster(view: View, clusterId: string): Promise<ClusterItem> {
  const cluster = await view.clusters.get(clusterId)
  if (cluster !== undefined && cluster.state !== 'DELETING' && isOwn(view, cluster.organisationId)) {
    return cluster
  }
  throw clusterNotFound(clusterId)
}

async function requireAccount({ accounts }: View, organisationId: string, id: string): Promise<void> {
  if ((await accounts.get(organisationId, id)) === undefined) throw accountNotFound(id)
}
