// What is left in the folder when all is over: every name leads to its bytes, and there is no object without a name.

import { batchesOf } from '../../shared/log/readBatches.ts'
import type { PlacedExtent } from '../../shared/metadata/extent.ts'
import { parseIndexItem } from '../../shared/metadata/indexItem.ts'
import { createScope, type Scope } from '../../shared/metadata/scope.ts'
import { groupOf, parseSequencer, partitionState } from '../../shared/metadata/sequencer.ts'
import type { Item, Table } from '../../shared/ports/table.ts'
import { type EmbeddedStorage, openEmbeddedStorage } from '../../shared/storage/embedded/open.ts'
import type { Model } from './model.ts'
import { tenant } from './protocol.ts'

export interface PartitionPlace {
  readonly topicId: string
  readonly partition: number
}

/** Answers how many objects there are. */
export async function checkRemains(
  folder: string,
  places: readonly PartitionPlace[],
  model: Model,
): Promise<number> {
  const storage = await openEmbeddedStorage(folder)
  try {
    const scope = createScope(tenant)
    const named = new Set<string>()
    for (const place of places) {
      for (const extent of await extentsOf(storage.table, scope, place)) {
        named.add(await checkExtent(storage, scope, extent, model))
      }
    }
    for (const { attributes } of await all(storage.table, scope.retiredPk)) named.add(String(attributes.name))
    return await checkObjects(storage, named, model)
  } finally {
    await storage.close()
  }
}

async function extentsOf(
  table: Table,
  scope: Scope,
  { topicId, partition }: PartitionPlace,
): Promise<readonly PlacedExtent[]> {
  const item = await table.get(scope.sequencer(topicId, groupOf(partition)))
  const state = item && partitionState(parseSequencer(item), partition)
  const items = await all(table, scope.indexPk(topicId, partition))
  const listed = items.filter(({ attributes }) => attributes.extents !== undefined)
  return [...listed.flatMap((one) => parseIndexItem(one).extents), ...(state?.tail ?? [])]
}

async function checkExtent(
  { table, objects }: EmbeddedStorage,
  scope: Scope,
  extent: PlacedExtent,
  model: Model,
): Promise<string> {
  const { storage, objectId, position, length } = extent
  const name = storage === 'segment' ? scope.segmentObject(objectId) : scope.logObject(objectId)
  const isInline = storage === 'inline'
  const data = isInline ? (await table.get(scope.inlineData(objectId)))?.attributes.data : undefined
  const found = isInline ? data : await objects.getRange(name, position, length)
  const bytes = isInline && found instanceof Uint8Array ? found.subarray(position, position + length) : found
  if (!(bytes instanceof Uint8Array) || bytes.length !== length) {
    model.report(
      `${storage} ${objectId} is named and its bytes ${position} to ${position + length} are not there`,
    )
    return name
  }
  try {
    for (const _ of batchesOf(extent, bytes));
  } catch (error) {
    model.report(`${storage} ${objectId}: ${error}`)
  }
  return name
}

async function checkObjects(
  { objects }: EmbeddedStorage,
  named: ReadonlySet<string>,
  model: Model,
): Promise<number> {
  let count = 0
  for (let after = ''; ; ) {
    const page = await objects.list(`${tenant}/`, { limit: 1000, ...(after ? { after } : {}) })
    for (const { name } of page.objects) {
      count++
      if (!named.has(name)) model.report(`nothing names ${name}, and the collector left it`)
    }
    if (page.next === undefined) return count
    after = page.next
  }
}

async function all(table: Table, pk: string): Promise<readonly Item[]> {
  const items: Item[] = []
  for (let after: string | undefined; ; ) {
    const page = await table.query({ pk, limit: 1000, ...(after === undefined ? {} : { after }) })
    items.push(...page.items)
    if (page.next === undefined) return items
    after = page.next
  }
}
