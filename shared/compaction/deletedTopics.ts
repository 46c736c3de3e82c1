// What a deleted topic leaves: the items of its partitions go, its segments are retired, then the note that it was deleted
// goes too. Its flushes it shares with others: the collector finds them unnamed. May stop anywhere and go on.

import { limits } from '../base/limits.ts'
import { parseSegmentItem } from '../metadata/segmentItem.ts'
import { groupOf } from '../metadata/sequencer.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item, Write } from '../ports/table.ts'
import { type CompactionDeps, isOver } from './deps.ts'
import { queryAll } from './partitionItems.ts'

export async function collectDeletedTopics(deps: CompactionDeps, deadlineMs: number): Promise<void> {
  for await (const deleted of queryAll(deps, { pk: deps.scope.deletedPk })) {
    const topicId = deleted.key.sk
    const { partitions } = deleted.attributes
    if (typeof partitions !== 'number') continue
    for (let partition = 0; partition < partitions; partition++) {
      if (isOver(deps, deadlineMs)) return
      await deletePartition(deps, topicId, partition)
    }
    await write(deps, { kind: 'delete', key: deleted.key })
  }
}

async function deletePartition(deps: CompactionDeps, topicId: string, partition: number): Promise<void> {
  for await (const item of queryAll(deps, { pk: deps.scope.indexPk(topicId, partition) })) {
    await retireSegment(deps, item)
    await write(deps, { kind: 'delete', key: item.key })
  }
  await write(deps, { kind: 'delete', key: deps.scope.lease(`compaction/${topicId}/${partition}`) })
  if (partition % limits.partitionsPerSequencer !== 0) return
  const group = groupOf(partition)
  const { pk } = deps.scope.sequencer(topicId, group)
  for await (const { key } of queryAll(deps, { pk, prefix: 'producer/' }))
    await write(deps, { kind: 'delete', key })
}

async function retireSegment(deps: CompactionDeps, item: Item): Promise<void> {
  if (!item.key.sk.startsWith('segment/')) return
  const { objectId } = parseSegmentItem(item)
  const attributes = { since: deps.clock.now(), name: deps.scope.segmentObject(objectId) }
  await write(deps, { kind: 'put', key: deps.scope.retired(objectId), attributes })
}

const write = (deps: CompactionDeps, one: Write) => retryRepeatable(deps, () => deps.table.write(one))
