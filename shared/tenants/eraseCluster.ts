// The deletion of a cluster with everything in it. Its keys go at once. All else goes when nobody can still be at it:
// neither by what is remembered (seconds), nor in a function (a quarter of an hour), nor after a freeze; that is what
// limits.graceMs is about. May stop anywhere and go on: what others are found by goes after them, and the cluster
// itself is the last.

import { createLimiter } from '../base/concurrency.ts'
import { limits } from '../base/limits.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import {
  apiKeyKey,
  createScope,
  groupIdOf,
  identityPoolsPk,
  identityProvidersPk,
  type Scope,
} from '../metadata/scope.ts'
import { groupOf } from '../metadata/sequencer.ts'
import type { ObjectStore } from '../ports/objectStore.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item, ItemKey, Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import type { ClusterRegistry } from './clusters.ts'

export interface EraseDeps {
  readonly table: Table
  readonly objects: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly clusters: Pick<ClusterRegistry, 'remove'>
}

interface Erasure {
  readonly deps: EraseDeps
  readonly scope: Scope
  readonly isOver: () => boolean
}

const objectsPerPage = 1000
const writesAtOnce = 16

/** False: there is more to do, later or for the next call. */
export async function eraseCluster(
  deps: EraseDeps,
  { clusterId, state, deletedMs }: Pick<ClusterItem, 'clusterId' | 'state' | 'deletedMs'>,
  isOver: () => boolean,
): Promise<boolean> {
  if (state !== 'DELETING' || deletedMs === undefined) return false
  const erasure: Erasure = { deps, scope: createScope(clusterId), isOver }
  if (!(await eraseCredentials(erasure, clusterId))) return false
  if (deps.clock.now() < deletedMs + limits.graceMs) return false
  const isErased =
    (await eraseTopics(erasure)) &&
    (await eraseGroups(erasure)) &&
    (await eraseInline(erasure)) &&
    (await eraseAll(erasure, erasure.scope.fixedPks)) &&
    (await eraseObjects(erasure))
  if (isErased) await deps.clusters.remove(clusterId)
  return isErased
}

async function eraseCredentials(erasure: Erasure, clusterId: string): Promise<boolean> {
  const { deps, scope } = erasure
  for await (const { key } of itemsOf(erasure, scope.apiKeysPk)) {
    await remove(deps, apiKeyKey(key.sk))
    await remove(deps, key)
  }
  for await (const provider of itemsOf(erasure, identityProvidersPk)) {
    for await (const { key, attributes } of itemsOf(erasure, identityPoolsPk(provider.key.sk))) {
      if (attributes.cluster === clusterId) await remove(deps, key)
    }
  }
  return !erasure.isOver()
}

/** Those that were deleted before may still have something, too. */
async function eraseTopics(erasure: Erasure): Promise<boolean> {
  const { deps, scope } = erasure
  for (const pk of [scope.topicsPk, scope.deletedPk]) {
    for await (const { key, attributes } of itemsOf(erasure, pk)) {
      const topicId = pk === scope.topicsPk ? String(attributes.id) : key.sk
      if (!(await eraseAll(erasure, partitionsOf(scope, topicId, Number(attributes.partitions)))))
        return false
      await remove(deps, key)
    }
  }
  return !erasure.isOver()
}

function partitionsOf(scope: Scope, topicId: string, partitionCount: number): readonly string[] {
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
  const groups = new Set(partitions.map(groupOf))
  return [
    ...partitions.map((partition) => scope.indexPk(topicId, partition)),
    ...Array.from(groups, (group) => scope.sequencer(topicId, group).pk),
  ]
}

async function eraseGroups(erasure: Erasure): Promise<boolean> {
  const { deps, scope } = erasure
  for await (const { key } of itemsOf(erasure, scope.consumerGroupsPk)) {
    if (!(await eraseAll(erasure, [scope.consumerGroup(groupIdOf(key.sk)).state.pk]))) return false
    await remove(deps, key)
  }
  for await (const { key } of itemsOf(erasure, scope.instancesPk)) {
    await remove(deps, scope.instanceOf(key))
    await remove(deps, key)
  }
  return !erasure.isOver()
}

async function eraseInline(erasure: Erasure): Promise<boolean> {
  const { deps, scope } = erasure
  for await (const { key } of itemsOf(erasure, scope.inlinePrefixesPk)) {
    if (!(await eraseAll(erasure, scope.inlineShards(key.sk)))) return false
    await remove(deps, key)
  }
  return !erasure.isOver()
}

async function eraseAll(erasure: Erasure, partitions: readonly string[]): Promise<boolean> {
  const limiter = createLimiter(writesAtOnce)
  const erase = async (pk: string): Promise<void> => {
    for await (const { key } of itemsOf(erasure, pk)) await remove(erasure.deps, key)
  }
  await Promise.all(partitions.map((pk) => limiter(() => erase(pk))))
  return !erasure.isOver()
}

async function eraseObjects({ deps, scope, isOver }: Erasure): Promise<boolean> {
  while (!isOver()) {
    const page = { limit: objectsPerPage }
    const { objects } = await retryRepeatable(deps, () => deps.objects.list(scope.objects, page))
    if (objects.length === 0) return true
    const names = objects.map(({ name }) => name)
    await retryRepeatable(deps, () => deps.objects.delete(names))
  }
  return false
}

async function* itemsOf({ deps, isOver }: Erasure, pk: string): AsyncGenerator<Item> {
  for await (const item of queryEach(deps, { pk })) {
    if (isOver()) return
    yield item
  }
}

const remove = (deps: EraseDeps, key: ItemKey) =>
  retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key }))
