// Which cluster a request means, and where that cluster stands: links are absolute, on the host and under the
// prefix (/v3 or /kafka/v3) that the caller used. Refuses a cluster that is not the caller's as one that does
// not exist.

import type { Context } from 'hono'
import { invariant, KafkaError } from '../base/errors.ts'
import type { Access } from '../service/access.ts'
import type { Cluster, Topic } from '../service/cluster.ts'
import type { Compaction } from '../service/compaction.ts'
import { clusterNotFound } from '../tenants/clusters.ts'
import type { AppEnv } from './context.ts'
import type { Place } from './resources.ts'

type Caller = Pick<Context<AppEnv>, 'var'>

/** One cluster, and all of it. */
export function accessTo(cluster: Cluster, compaction?: Compaction): Access {
  const { clusterId } = cluster
  return {
    operator: undefined,
    administration: undefined,
    clusterIds: [clusterId],
    tenant: undefined,
    cluster: (id) => (id === clusterId ? cluster : undefined),
    compaction: (id) => (id === clusterId ? compaction : undefined),
    usage: undefined,
    throttledMs: () => 0,
    noteWork: () => {},
  }
}

export function findCluster(c: Caller, clusterId: string): Cluster {
  const cluster = c.var.access.cluster(clusterId)
  if (cluster === undefined) throw clusterNotFound(clusterId)
  return cluster
}

/** Of operators alone: nobody else's access has one. */
export function findCompaction(c: Caller, clusterId: string): Compaction {
  findCluster(c, clusterId)
  const compaction = c.var.access.compaction(clusterId)
  if (compaction) return compaction
  if (c.var.access.operator === undefined) c.var.access.noteNoOperator?.()
  throw new KafkaError('NOT_FOUND', `No compactor of cluster ${clusterId} runs in this process.`)
}

/** The v2 dialect names no cluster: it means the only one that the caller reaches. */
export function onlyCluster(c: Caller): Cluster {
  const { clusterIds } = c.var.access
  const [clusterId] = clusterIds
  if (clusterId === undefined) throw new KafkaError('NOT_FOUND', 'There is no cluster here.')
  if (clusterIds.length > 1) {
    const way = 'use an API key of the cluster, or the routes under /v3, which name it'
    throw new KafkaError('BAD_REQUEST', `These credentials reach several clusters: ${way}.`)
  }
  const cluster = c.var.access.cluster(clusterId)
  invariant(cluster !== undefined, 'a listed cluster exists')
  return cluster
}

/** The topic, if it has that partition. */
export async function findPartition(cluster: Cluster, topicName: string, partition: number): Promise<Topic> {
  const topic = await cluster.describeTopic(topicName)
  if (partition < topic.partitionCount) return topic
  const found = `it has ${topic.partitionCount} of them`
  throw new KafkaError('PARTITION_NOT_FOUND', `Topic ${topicName} has no partition ${partition}: ${found}.`)
}

/** The URL of the list of clusters, as this caller reaches it. */
export function clustersUrl(requestUrl: string): string {
  const { origin, pathname } = new URL(requestUrl)
  return `${origin}${pathname.startsWith('/kafka/v3/') ? '/kafka/v3' : '/v3'}/clusters`
}

export function placeOf({ clusterId }: Pick<Cluster, 'clusterId'>, requestUrl: string): Place {
  return { clusterId, url: `${clustersUrl(requestUrl)}/${encodeURIComponent(clusterId)}` }
}
