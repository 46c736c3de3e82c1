// What a deleted topic leaves: the items of its partitions go, its segments are retired. Its flushes it shares with
// others: the collector finds them unnamed. When the grace has passed it is done once more, for what a writer that was
// frozen meanwhile has left, and the note that the topic was deleted goes too. May stop anywhere and go on.

import { limits } from '../base/limits.ts'
import { parseSegmentItem } from '../metadata/segmentItem.ts'
import { groupOf } from '../metadata/sequencer.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item, Write } from '../ports/table.ts'
import { type CompactionDeps, isOver } from './deps.ts'
import { partitionLeaseName } from './partitionLease.ts'

export async function collectDeletedTopics(deps: CompactionDeps, deadlineMs: number): Promise<void> {
  for await (const deleted of queryEach(deps, { pk: deps.scope.deletedPk })) {
    const topicId = deleted.key.sk
    const { partitions, since } = deleted.attributes
    const isLast = typeof since === 'number' && since < deps.clock.now() - limits.graceMs
    if (typeof partitions !== 'number' || (since !== undefined && !isLast)) continue
    for (let partition = 0; partition < partitions; partition++) {
      if (isOver(deps, deadlineMs)) return
      await deletePartition(deps, topicId, partition)
    }
    const noted = { kind: 'set', attribute: 'since', value: deps.clock.now() } as const
    const { key } = deleted
    await write(deps, isLast ? { kind: 'delete', key } : { kind: 'update', key, actions: [noted] })
  }
}

async function deletePartition(deps: CompactionDeps, topicId: string, partition: number): Promise<void> {
  // First, so that who works on it still writes nothing behind this.
  await write(deps, { kind: 'delete', key: deps.scope.lease(partitionLeaseName(topicId, partition)) })
  for await (const item of queryEach(deps, { pk: deps.scope.indexPk(topicId, partition) })) {
    await retireSegment(deps, item)
    await write(deps, { kind: 'delete', key: item.key })
  }
  if (partition % limits.partitionsPerSequencer !== 0) return
  const group = groupOf(partition)
  const { pk } = deps.scope.sequencer(topicId, group)
  for await (const { key } of queryEach(deps, { pk, prefix: 'producer/' }))
    await write(deps, { kind: 'delete', key })
}

async function retireSegment(deps: CompactionDeps, item: Item): Promise<void> {
  if (!item.key.sk.startsWith('segment/')) return
  const { objectId } = parseSegmentItem(item)
  const attributes = { since: deps.clock.now(), name: deps.scope.segmentObject(objectId) }
  await write(deps, { kind: 'put', key: deps.scope.retired(objectId), attributes })
}

const write = (deps: CompactionDeps, one: Write) => retryRepeatable(deps, () => deps.table.write(one))
