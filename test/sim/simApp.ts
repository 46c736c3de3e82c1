// The HTTP app on a simulated process.
import { createApp } from '../../shared/http/app.ts'
import { accessTo } from '../../shared/http/clusters.ts'
import type { App } from '../../shared/http/context.ts'
import type { Clock, Random } from '../../shared/ports/world.ts'
import type { Cluster } from '../../shared/service/cluster.ts'
import { createEdge } from '../support/edgeDeps.ts'

export function createSimApp(
  cluster: Cluster,
  clock: Clock,
  random: Random,
  reportFailure: (error: unknown) => void,
): App {
  const { deps } = createEdge({
    authenticate: () => Promise.resolve(accessTo(cluster)),
    clock,
    random,
    limits: {
      bodyBytesMax: 1024 * 1024,
      bodiesBytesMax: 4 * 1024 * 1024,
      answersBytesMax: 128 * 1024 * 1024,
      bodyIdleMsMax: 3_600_000,
      fetchWaitMsMax: 30_000,
      batchEntriesMax: 10,
      streamMsMax: 60_000,
    },
    reportFailure,
  })
  return createApp(deps)
}
