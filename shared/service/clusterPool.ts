// The clusters that one process serves, each made when it is first asked for. They share the memory of cached blocks;
// the one that was not asked for the longest goes, once nothing of it is under way.

import { createBlockCache } from '../log/blocks.ts'
import type { LogDeps } from '../log/deps.ts'
import { createScope } from '../metadata/scope.ts'
import { type ClusterSettings, createCluster, type RunningCluster } from './createCluster.ts'

export interface ClusterPool {
  get(clusterId: string): RunningCluster
  /** Resolves when everything that was asked for is stored. */
  idle(): Promise<void>
}

/** What a cluster remembers of topics and positions is some MiB at most. */
const clustersMax = 200

export function createClusterPool(deps: Omit<LogDeps, 'scope'>, settings: ClusterSettings): ClusterPool {
  const clusters = new Map<string, RunningCluster>()
  const leaving = new Set<Promise<void>>()
  const blockCache = createBlockCache(settings.fetch.cacheBytesMax)

  const dropOldest = () => {
    const [oldest] = clusters
    if (clusters.size <= clustersMax || oldest === undefined) return
    clusters.delete(oldest[0])
    const left = oldest[1].idle().finally(() => leaving.delete(left))
    leaving.add(left)
  }

  return {
    get(clusterId) {
      const known = clusters.get(clusterId)
      const cluster =
        known ?? createCluster({ ...deps, scope: createScope(clusterId) }, clusterId, settings, blockCache)
      clusters.delete(clusterId)
      clusters.set(clusterId, cluster)
      dropOldest()
      return cluster
    },
    async idle() {
      await Promise.all([...leaving, ...Array.from(clusters.values(), (cluster) => cluster.idle())])
    },
  }
}
