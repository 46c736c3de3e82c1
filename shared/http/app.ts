// The app: every dialect on one core. Requests pass the request id, then (on a loopback server) the host
// guard, then one route. /kafka/v3 is /v3 under the name that Confluent Server and Confluent Cloud give it,
// and finds the same routes.

import { OpenAPIHono } from '@hono/zod-openapi'
import { TrieRouter } from 'hono/router/trie-router'
import { getPath } from 'hono/utils/url'
import { createAuthentication } from './authentication.ts'
import { type App, type AppDeps, type AppEnv, createHttpDeps, type HttpDeps } from './context.ts'
import { createErrorHandler, createNotFoundHandler, refuseInvalid } from './errors.ts'
import { createHostGuard } from './hostGuard.ts'
import { registerOpenApi } from './openapi.ts'
import { registerPages } from './pages.ts'
import { createRequestId } from './requestId.ts'
import { registerAclRoutes } from './routes/acls.ts'
import { registerClientQuotaRoutes } from './routes/clientQuotas.ts'
import { registerClusterRoutes } from './routes/clusters.ts'
import { registerCompactionRoutes } from './routes/compaction.ts'
import { registerConsumeRoutes } from './routes/consume.ts'
import { registerGroupOffsetRoutes } from './routes/groupOffsets.ts'
import { registerGroupRoutes } from './routes/groups.ts'
import { registerGroupViewRoutes } from './routes/groupViews.ts'
import { registerHealthRoutes } from './routes/health.ts'
import { registerIdentityProviderRoutes } from './routes/identityProviders.ts'
import { registerInspectionRoutes } from './routes/inspection.ts'
import { registerMetricsRoutes } from './routes/metrics.ts'
import { registerOperatorClusterRoutes } from './routes/operatorClusters.ts'
import { registerOperatorKeyRoutes } from './routes/operatorKeys.ts'
import { registerOrganizationRoutes } from './routes/organizations.ts'
import { registerPartitionRecordRoutes } from './routes/partitionRecords.ts'
import { registerPartitionRoutes } from './routes/partitions.ts'
import { registerProducerRoutes } from './routes/producers.ts'
import { registerRecordRoutes } from './routes/records.ts'
import { registerRecordBatchRoutes } from './routes/recordsBatch.ts'
import { registerRoleBindingRoutes } from './routes/roleBindings.ts'
import { registerScramRoutes } from './routes/scram.ts'
import { registerTopicConfigRoutes } from './routes/topicConfigs.ts'
import { registerTopicRoutes } from './routes/topics.ts'
import { registerUsageRoutes } from './routes/usage.ts'
import { registerV2ConsumerOffsetRoutes } from './routes/v2ConsumerOffsets.ts'
import { registerV2ConsumerRecordRoutes } from './routes/v2ConsumerRecords.ts'
import { registerV2ConsumerRoutes } from './routes/v2Consumers.ts'
import { registerV2FetchRoutes } from './routes/v2Fetch.ts'
import { registerV2MetadataRoutes } from './routes/v2Metadata.ts'
import { registerV2ProduceRoutes } from './routes/v2Produce.ts'
import { guardUrl } from './urlGuard.ts'

export function createApp(appDeps: AppDeps): App {
  const deps = createHttpDeps(appDeps)
  const app = new OpenAPIHono<AppEnv>({
    defaultHook: refuseInvalid,
    // The trie reads ':alter' in 'configs:alter' as text; Hono's default router may take it for a parameter.
    router: new TrieRouter(),
    getPath: (request) => getPath(request).replace(/^\/kafka\/v3(?=\/|$)/, '/v3'),
  })
  app.onError(createErrorHandler(deps))
  app.notFound(createNotFoundHandler(app))
  app.use(createRequestId(deps))
  app.use(guardUrl)
  if (deps.loopbackOnly) app.use(createHostGuard())
  registerHealthRoutes(app, deps)
  registerOpenApi(app, deps)
  registerPages(app, deps)
  app.use(createAuthentication(deps))
  app.route('/v3', createV3(deps))
  registerV2MetadataRoutes(app, deps)
  registerV2ProduceRoutes(app, deps)
  registerV2FetchRoutes(app, deps)
  registerV2ConsumerRoutes(app, deps)
  registerV2ConsumerRecordRoutes(app, deps)
  registerV2ConsumerOffsetRoutes(app, deps)
  registerMetricsRoutes(app, deps)
  registerUsageRoutes(app, deps)
  registerOrganizationRoutes(app, deps)
  registerOperatorClusterRoutes(app, deps)
  registerOperatorKeyRoutes(app, deps)
  registerRoleBindingRoutes(app, deps)
  registerIdentityProviderRoutes(app, deps)
  return app
}

function createV3(deps: HttpDeps): App {
  const v3 = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid })
  registerClusterRoutes(v3)
  registerTopicRoutes(v3, deps)
  registerTopicConfigRoutes(v3, deps)
  registerPartitionRoutes(v3, deps)
  registerProducerRoutes(v3)
  registerRecordRoutes(v3, deps)
  registerRecordBatchRoutes(v3, deps)
  registerPartitionRecordRoutes(v3, deps)
  registerConsumeRoutes(v3, deps)
  registerCompactionRoutes(v3, deps)
  registerInspectionRoutes(v3, deps)
  registerAclRoutes(v3, deps)
  registerClientQuotaRoutes(v3, deps)
  registerScramRoutes(v3, deps)
  registerGroupRoutes(v3, deps)
  registerGroupViewRoutes(v3)
  registerGroupOffsetRoutes(v3, deps)
  return v3
}
