// The app of produce and fetch on AWS: one app with every route. Which function a request goes to is the front door's
// to decide; the role of produce allows what appends take, and no more.

import { createApp } from '../http/app.ts'
import type { AppDeps } from '../http/context.ts'
import { deploymentKey } from '../metadata/scope.ts'
import type { Access } from '../service/access.ts'
import { defaultClusterSettings } from '../service/settings.ts'
import type { AppConfig } from './awsConfig.ts'
import { openAwsProcess } from './awsProcess.ts'
import { systemClock, systemRandom } from './clock.ts'
import { type Compute, type HttpFunctionName, limitsOf } from './computeLimits.ts'
import type { Connections } from './connections.ts'
import { behindFrontDoor, clientAddress, type Fetch } from './frontDoor.ts'
import { createIssuerNetwork } from './issuerNetwork.ts'
import { observeCluster } from './observeCluster.ts'
import { withRequest } from './requestContext.ts'
import { createTenants } from './tenants.ts'
import { packageVersion } from './version.ts'

export interface AwsApp {
  readonly fetch: Fetch
  readonly connections: Connections
  /** Resolves when everything that was asked for is stored. */
  idle(): Promise<void>
  /** And what was used: for a process that ends. */
  close(): Promise<void>
  flushMetrics(): void
}

export async function openAwsApp(
  config: AppConfig,
  name: HttpFunctionName,
  compute: Compute,
): Promise<AwsApp> {
  const { deps, logger, metrics, connections } = await openAwsProcess(config, name)
  const observer = { clock: systemClock, logger, metrics }
  const tenants = createTenants(deps, {
    cluster: defaultClusterSettings,
    pepper: config.pepper,
    network: createIssuerNetwork(false),
    ...(config.certificates && { certificates: config.certificates }),
    tellAudit: (event) => logger.log('INFO', 'audit', { event }),
    compaction: () => undefined,
  })
  const observed = (access: Access): Access => ({
    ...access,
    cluster: (id) => {
      const cluster = access.cluster(id)
      return cluster && observeCluster(observer, cluster)
    },
  })
  const aroundRequest: AppDeps['aroundRequest'] = (request, serve) =>
    withRequest(request, async () => {
      const start = systemClock.now()
      const status = await serve()
      const { method, path } = request
      if (status >= 500) metrics.add('HttpServerErrors', 1)
      logger.log('INFO', 'request', { method, path, status, ms: systemClock.now() - start })
    })
  const app = createApp({
    aroundRequest,
    authenticate: async (...given) => observed(await tenants.authenticate(...given)),
    clientAddress,
    clock: systemClock,
    random: systemRandom,
    limits: limitsOf(compute, name),
    version: packageVersion,
    loopbackOnly: false,
    probeStorage: async () => {
      await deps.table.get(deploymentKey)
    },
    docsAssets: new Map(),
    reportFailure: (error, request) => logger.failure('request failed', error, request),
  })
  return {
    fetch: behindFrontDoor(config.originSecrets, (request, env) => app.fetch(request, env)),
    connections,
    idle: () => tenants.idle(),
    close: () => tenants.close(),
    flushMetrics: () => metrics.flush(),
  }
}
