// The app with security on, in memory: an operator, and keys of a cluster `local` for whoever a test needs.

import { createApp } from '../../shared/http/app.ts'
import type { Clock } from '../../shared/ports/world.ts'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createTenants } from '../../shared/runtime/tenants.ts'
import { defaultClusterSettings } from '../../shared/service/settings.ts'
import { type Call, createCall } from './call.ts'
import { createEdge } from './edgeDeps.ts'
import { memoryPorts } from './testCluster.ts'

export async function createTestTenants({ clock = systemClock }: { readonly clock?: Clock } = {}) {
  const deps = {
    ...memoryPorts(),
    clock,
    random: systemRandom,
    reportBackgroundFailure: (error: unknown) => {
      throw error
    },
  }
  const tenants = createTenants(deps, {
    cluster: defaultClusterSettings,
    pepper: new Uint8Array(32).fill(7),
    compaction: () => undefined,
  })
  const { deps: edge, failures } = createEdge({
    authenticate: tenants.authenticate,
    clock,
    random: systemRandom,
    limits: {
      bodyBytesMax: 1024 * 1024,
      bodiesBytesMax: 4 * 1024 * 1024,
      bodyIdleMsMax: 10_000,
      fetchWaitMsMax: 1000,
      batchEntriesMax: 10,
      streamMsMax: 10_000,
    },
  })
  const app = createApp(edge)
  await tenants.registry.create({ organisationId: 'org-1', name: 'local' }, 'local')
  const makeKey = async (clusterId: string | undefined, owner: string): Promise<ApiKeyPair> => {
    const wanted = { clusterId, owner, description: 'a test', expiresMs: undefined }
    const { key, secret } = await tenants.apiKeys.create(wanted)
    return { id: key.keyId, secret }
  }
  const callAs = ({ id, secret }: ApiKeyPair, prefix = ''): Call => {
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    return createCall(app, prefix, { authorization })
  }
  const operatorKey = await makeKey(undefined, 'User:operator')
  return {
    app,
    tenants,
    failures,
    operatorKey,
    callAs,
    /** In the cluster `local`. */
    operator: callAs(operatorKey, localCluster),
    /** A caller of the cluster by a key of its own. */
    keyOf: async (owner: string, clusterId = 'local', prefix = localCluster): Promise<Call> =>
      callAs(await makeKey(clusterId, owner), prefix),
  }
}

interface ApiKeyPair {
  readonly id: string
  readonly secret: string
}

const localCluster = '/v3/clusters/local'
