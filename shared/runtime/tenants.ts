// A deployment of many tenants, put together: who calls, which clusters that opens, and what belongs to each of them.
// The same on one machine and on AWS.

import type { KeyObject } from 'node:crypto'
import type { HttpDeps } from '../http/context.ts'
import type { LogDeps } from '../log/deps.ts'
import { type ApiKeys, createApiKeys } from '../security/apiKeys.ts'
import { parseCredentials } from '../security/credentials.ts'
import { createIdentityProviders } from '../security/identityProviders.ts'
import { createIssuerKeys } from '../security/issuerKeys.ts'
import type { IssuerNetwork } from '../security/issuerUrl.ts'
import { createTokenVerifier } from '../security/jwt.ts'
import { createAccess } from '../service/access.ts'
import { createAclIndexes } from '../service/aclIndexes.ts'
import type { AuditEvent } from '../service/auditEvent.ts'
import { createAuditing, noMechanism } from '../service/auditedAccess.ts'
import { createAuditLog } from '../service/auditLog.ts'
import { type Certificates, createAuthenticator } from '../service/authenticate.ts'
import { type ClusterPool, createClusterPool } from '../service/clusterPool.ts'
import type { Compaction } from '../service/compaction.ts'
import type { ClusterSettings } from '../service/createCluster.ts'
import { type ClusterRegistry, createClusterRegistry } from '../tenants/clusters.ts'
import { createOrganisations, type Organisations } from '../tenants/organisations.ts'
import { createServiceAccounts } from '../tenants/serviceAccounts.ts'
import { dateOf } from './clock.ts'

export interface TenantsSettings {
  readonly cluster: ClusterSettings
  /** Under which secrets of API keys are hashed; 32 bytes. */
  readonly pepper: KeyObject
  /** That cannot be deleted; absent: each can be. */
  readonly lastingClusterId?: string
  /** Where issuers of tokens publish their keys. */
  readonly network: IssuerNetwork
  /** Of the gateway that verifies clients' certificates, where there is one. */
  readonly certificates?: Certificates
  /** What of the audit log is of no cluster. */
  readonly tellAudit: (event: AuditEvent) => void
  /** undefined: this process runs no compactor for that cluster. */
  readonly compaction: (clusterId: string) => Compaction | undefined
}

export interface Tenants {
  readonly organisations: Organisations
  readonly registry: ClusterRegistry
  readonly apiKeys: ApiKeys
  readonly pool: ClusterPool
  readonly authenticate: HttpDeps['authenticate']
  /** Resolves when everything that was asked for is stored. */
  idle(): Promise<void>
  /** And what was used: for a process that ends. */
  close(): Promise<void>
}

/** Of the quotas' bound; what is longer is cut, and then counts with others that begin so. */
const clientIdLengthMax = 256

const clientIdOf = (headers: Headers): string => (headers.get('client-id') ?? '').slice(0, clientIdLengthMax)

export function createTenants(deps: Omit<LogDeps, 'scope'>, settings: TenantsSettings): Tenants {
  const organisations = createOrganisations(deps)
  const registry = createClusterRegistry({ ...deps, lastingClusterId: settings.lastingClusterId })
  const accounts = createServiceAccounts(deps)
  const apiKeys = createApiKeys({ ...deps, pepper: settings.pepper })
  const aclIndexes = createAclIndexes(deps)
  const pool = createClusterPool({ ...deps, ...aclIndexes }, settings.cluster)
  const { network, certificates } = settings
  const identityProviders = createIdentityProviders({ ...deps, network })
  const keysOf = createIssuerKeys({ ...deps, network })
  const identify = createAuthenticator({
    ...deps,
    apiKeys,
    pepper: settings.pepper,
    certificates,
    verifyToken: createTokenVerifier({ ...deps, providers: identityProviders, keysOf, dateOf }),
  })
  const { compaction } = settings
  const open = createAccess({
    ...deps,
    ...aclIndexes,
    organisations,
    clusters: registry,
    accounts,
    apiKeys,
    identityProviders,
    compaction,
    tenant: pool.tenant,
    superUsers: new Set(),
  })
  const isThere = isThereIn(registry)
  const auditLog = createAuditLog({ ...deps, cluster: pool.get, isThere, tell: settings.tellAudit })
  const audit = createAuditing(auditLog, deps.clock)
  return {
    organisations,
    registry,
    apiKeys,
    pool,
    async authenticate(request, clientHost, requestId) {
      const { headers } = request
      const caller = {
        mechanism: mechanismOf(headers, certificates),
        host: clientHost,
        requestId,
        clientId: clientIdOf(headers),
      }
      const asked = audit(caller, async () => identify(parseCredentials(headers, certificates?.header)))
      return asked.audited(open(asked.identify, clientHost, caller.clientId, asked.watch))
    },
    async idle() {
      await auditLog.idle()
      await pool.idle()
    },
    async close() {
      await auditLog.idle()
      await pool.close()
    },
  }
}

const isThereIn = (registry: ClusterRegistry) => async (clusterId: string) => {
  const cluster = await registry.get(clusterId)
  return cluster !== undefined && cluster.state !== 'DELETING'
}

function mechanismOf(headers: Headers, certificates: Certificates | undefined): string {
  const [scheme] = /^(basic|bearer)\b/i.exec(headers.get('authorization') ?? '') ?? []
  if (scheme !== undefined) return `HTTP/${scheme.toUpperCase()}`
  if (headers.has('authorization')) return 'HTTP'
  return certificates !== undefined && headers.has(certificates.header) ? 'MTLS' : noMechanism
}
