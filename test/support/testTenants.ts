// The app with security on, in memory: an operator, and keys of a cluster `local` for whoever a test needs.

import { createSecretKey, type KeyObject } from 'node:crypto'
import { createApp } from '../../shared/http/app.ts'
import type { AppDeps } from '../../shared/http/context.ts'
import type { LogDeps } from '../../shared/log/deps.ts'
import type { KeyResource } from '../../shared/metadata/apiKeyItem.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { Clock } from '../../shared/ports/world.ts'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createIssuerNetwork } from '../../shared/runtime/issuerNetwork.ts'
import { createTenants, type Tenants } from '../../shared/runtime/tenants.ts'
import type { AuditEvent } from '../../shared/service/auditEvent.ts'
import type { Certificates } from '../../shared/service/authenticate.ts'
import { type Compaction, createCompaction } from '../../shared/service/compaction.ts'
import { createCompactor, defaultCompactionSettings } from '../../shared/service/compactor.ts'
import type { ClusterSettings } from '../../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../../shared/service/settings.ts'
import { makeFirstCluster } from '../../shared/tenants/firstCluster.ts'
import { defaultOrganisationId } from '../../shared/tenants/organisations.ts'
import { createServiceAccounts } from '../../shared/tenants/serviceAccounts.ts'
import { type Call, createCall } from './call.ts'
import { createEdge } from './edgeDeps.ts'
import { memoryPorts, type TestPorts } from './testCluster.ts'
import { createVirtualClock } from './virtualClock.ts'

/** For whoever makes many clusters; `local` is in the default one. */
const roomyOrganisation = 'org-1'

export const testPepper = createSecretKey(new Uint8Array(32).fill(7))

interface Settings {
  readonly clock?: Clock
  readonly ports?: Pick<TestPorts, 'objects' | 'table'>
  readonly edge?: Partial<AppDeps>
  readonly certificates?: Certificates
  readonly cluster?: Partial<ClusterSettings>
  readonly pepper?: KeyObject
  /** Absent: it fails the test. */
  readonly reportBackgroundFailure?: (error: unknown) => void
}

export async function createTestTenants(settings: Settings = {}) {
  const { ports = memoryPorts() } = settings
  // What a process does now and then would keep a test that is over waiting; storage that is not in memory takes time.
  const { clock = settings.ports === undefined ? createVirtualClock() : systemClock } = settings
  const deps = {
    objects: ports.objects,
    table: ports.table,
    clock,
    random: systemRandom,
    reportBackgroundFailure: settings.reportBackgroundFailure ?? fail,
  }
  const told: AuditEvent[] = []
  const tenants = createTenants(deps, {
    cluster: { ...defaultClusterSettings, ...settings.cluster },
    pepper: settings.pepper ?? testPepper,
    network: createIssuerNetwork(true),
    ...(settings.certificates && { certificates: settings.certificates }),
    tellAudit: (event) => told.push(event),
    compaction: compactionsOn(deps),
  })
  const { deps: edge, failures } = createEdge({
    authenticate: tenants.authenticate,
    clock,
    random: systemRandom,
    limits,
    ...settings.edge,
  })
  const app = createApp(edge)
  await beginDeployment(tenants)
  const { makeKey, makeOrganisationKey } = createKeys(tenants)
  const callAs = (key: ApiKeyPair, prefix = ''): Call =>
    createCall(app, prefix, { authorization: authorizationOf(key) })
  const operatorKey = await makeKey(undefined, 'User:operator')
  return {
    app,
    edge,
    deps,
    tenants,
    failures,
    /** What was told of the audit log: events of no cluster. */
    told,
    operatorKey,
    makeKey,
    makeOrganisationKey,
    /** In the organisation of `local`; answers its id. */
    makeAccount: async (name: string): Promise<string> =>
      (await createServiceAccounts(deps).create(defaultOrganisationId, name, '')).id,
    callAs,
    /** In the cluster `local`. */
    operator: callAs(operatorKey, localCluster),
    /** A caller of the cluster by a key of its own. */
    keyOf: async (owner: string, clusterId = 'local', prefix = localCluster): Promise<Call> =>
      callAs(await makeKey(clusterId, owner), prefix),
  }
}

async function beginDeployment({ organisations, registry }: Tenants): Promise<void> {
  await makeFirstCluster({ organisations, clusters: registry }, 'local')
  // Where a deployment is given that was begun before, it is there.
  if ((await organisations.get(roomyOrganisation)) !== undefined) return
  await organisations.create('roomy', roomyOrganisation)
  await organisations.update(roomyOrganisation, () => ({ limits: { clusters: 10_000 } }))
}

function createKeys({ apiKeys, registry }: Tenants) {
  const makeKeyFor = async (resource: KeyResource, owner: string): Promise<ApiKeyPair> => {
    const wanted = { ...resource, owner, description: 'a test', expiresMs: undefined }
    const { key, secret } = await apiKeys.create(wanted)
    return { id: key.keyId, secret }
  }
  return {
    /** undefined: an operator's. Whoever owns it need not be a service account. */
    async makeKey(clusterId: string | undefined, owner: string): Promise<ApiKeyPair> {
      const cluster = clusterId === undefined ? undefined : await registry.get(clusterId)
      return makeKeyFor({ clusterId, organisationId: cluster?.organisationId }, owner)
    },
    /** That administers it. */
    makeOrganisationKey: (organisationId = defaultOrganisationId) =>
      makeKeyFor({ clusterId: undefined, organisationId }, 'User:admin'),
  }
}

/** Each cluster's, made when it is first asked for. */
function compactionsOn(deps: Omit<LogDeps, 'scope'>): (clusterId: string) => Compaction {
  const known = new Map<string, Compaction>()
  return (clusterId) => {
    const make = () => createCompactor({ ...deps, scope: createScope(clusterId) }, defaultCompactionSettings)
    const compaction = known.get(clusterId) ?? createCompaction(make(), deps.clock, 10_000)
    known.set(clusterId, compaction)
    return compaction
  }
}

function fail(error: unknown): never {
  throw error
}

const limits = {
  bodyBytesMax: 1024 * 1024,
  bodiesBytesMax: 4 * 1024 * 1024,
  answersBytesMax: 128 * 1024 * 1024,
  bodyIdleMsMax: 10_000,
  fetchWaitMsMax: 1000,
  batchEntriesMax: 10,
  streamMsMax: 10_000,
}

export interface ApiKeyPair {
  readonly id: string
  readonly secret: string
}

export const authorizationOf = ({ id, secret }: ApiKeyPair): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

const localCluster = '/v3/clusters/local'
