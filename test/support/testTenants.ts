// The app with security on, in memory: an operator, and keys of a cluster `local` for whoever a test needs.

import { createApp } from '../../shared/http/app.ts'
import type { AppDeps } from '../../shared/http/context.ts'
import type { LogDeps } from '../../shared/log/deps.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { Clock } from '../../shared/ports/world.ts'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createIssuerNetwork } from '../../shared/runtime/issuerNetwork.ts'
import { createTenants } from '../../shared/runtime/tenants.ts'
import type { AuditEvent } from '../../shared/service/auditEvent.ts'
import type { Certificates } from '../../shared/service/authenticate.ts'
import { type Compaction, createCompaction } from '../../shared/service/compaction.ts'
import { createCompactor, defaultCompactionSettings } from '../../shared/service/compactor.ts'
import { defaultClusterSettings } from '../../shared/service/settings.ts'
import { type Call, createCall } from './call.ts'
import { createEdge } from './edgeDeps.ts'
import { memoryPorts, type TestPorts } from './testCluster.ts'

export const testPepper = new Uint8Array(32).fill(7)

interface Settings {
  readonly clock?: Clock
  readonly ports?: Pick<TestPorts, 'objects' | 'table'>
  readonly edge?: Partial<AppDeps>
  readonly certificates?: Certificates
  /** Absent: it fails the test. */
  readonly reportBackgroundFailure?: (error: unknown) => void
}

export async function createTestTenants(settings: Settings = {}) {
  const { clock = systemClock, ports = memoryPorts() } = settings
  const deps = {
    objects: ports.objects,
    table: ports.table,
    clock,
    random: systemRandom,
    reportBackgroundFailure: settings.reportBackgroundFailure ?? fail,
  }
  const told: AuditEvent[] = []
  const tenants = createTenants(deps, {
    cluster: defaultClusterSettings,
    pepper: testPepper,
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
  await tenants.registry.create({ organisationId: 'org-1', name: 'local' }, 'local')
  const makeKey = async (clusterId: string | undefined, owner: string): Promise<ApiKeyPair> => {
    const wanted = { clusterId, owner, description: 'a test', expiresMs: undefined }
    const { key, secret } = await tenants.apiKeys.create(wanted)
    return { id: key.keyId, secret }
  }
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
    callAs,
    /** In the cluster `local`. */
    operator: callAs(operatorKey, localCluster),
    /** A caller of the cluster by a key of its own. */
    keyOf: async (owner: string, clusterId = 'local', prefix = localCluster): Promise<Call> =>
      callAs(await makeKey(clusterId, owner), prefix),
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
