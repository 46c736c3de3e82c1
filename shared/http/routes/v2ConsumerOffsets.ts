// Offsets and positions of v2 consumer instances. A commit without a body commits what was polled. Confluent's callers
// name the last record that they processed, and the offset behind it is committed; Strimzi's, and Redpanda's who write
// `partitions`, name the offset itself.

import { z } from '@hono/zod-openapi'
import type { StoredInstance } from '../../metadata/instanceItem.ts'
import type { OffsetToCommit, TopicPartition } from '../../service/groups.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, v2Json } from '../errors.ts'
import { flag } from '../params.ts'
import { parseQuery, registerRaw } from '../rawRoute.ts'
import {
  instanceCall,
  instanceRoute,
  noContent,
  offsetsBytesMax,
  readV2Body,
  v2Answer,
} from '../v2Instance.ts'
import { type OffsetsToCommit, parseCommit, parsePartitions, parsePositions } from '../wire/v2Consumer.ts'
import { v2OffsetsSchema, v2PartitionsSchema, v2PositionsSchema } from '../wire/v2Schemas.ts'

const done = { 204: { description: 'Done.' } }
const offsets = { content: { [v2Json]: { schema: v2OffsetsSchema } } }
const commitQuery = z.object({ async: flag('Taken, and answered when the offsets are stored all the same.') })

const commit = instanceRoute(
  'post',
  '/offsets',
  { operationId: 'commit', summary: 'Commit offsets, or without a body all that was polled' },
  {
    body: v2OffsetsSchema,
    bodyRequired: false,
    query: commitQuery,
    responses: { 200: { description: 'What is committed now.', ...offsets }, ...done, 415: refusal(415) },
  },
)
const getCommitted = instanceRoute(
  'get',
  '/offsets',
  {
    operationId: 'listCommittedOffsets',
    summary: 'Get committed offsets',
    description: 'Of the partitions that the body names; without a body of all that the instance has.',
  },
  {
    body: v2PartitionsSchema,
    bodyRequired: false,
    responses: { 200: { description: 'The offsets.', ...offsets } },
  },
)
const seek = instanceRoute(
  'post',
  '/positions',
  { operationId: 'seek', summary: 'Go to offsets or times' },
  { body: v2PositionsSchema, responses: { ...done, 415: refusal(415) } },
)
const seekToBeginning = instanceRoute(
  'post',
  '/positions/beginning',
  { operationId: 'seekToBeginning', summary: 'Go to the beginning of partitions' },
  { body: v2PartitionsSchema, responses: { ...done, 415: refusal(415) } },
)
const seekToEnd = instanceRoute(
  'post',
  '/positions/end',
  { operationId: 'seekToEnd', summary: 'Go to the end of partitions' },
  { body: v2PartitionsSchema, responses: { ...done, 415: refusal(415) } },
)

export function registerV2ConsumerOffsetRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, commit, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    parseQuery(c, commitQuery)
    const given = parseCommit(await readV2Body(c, deps, offsetsBytesMax))
    const committed = await consumers.commit(id, given && ((instance) => meantBy(given, instance)))
    if (committed.instance.dialect === 'strimzi') return noContent()
    return v2Answer({ offsets: committed.offsets.map(renderOffset) })
  })

  registerRaw(app, getCommitted, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    const body = await readV2Body(c, deps, offsetsBytesMax)
    const partitions = body.length === 0 ? undefined : parsePartitions(body)
    return v2Answer({ offsets: (await consumers.committed(id, partitions)).map(renderOffset) })
  })

  registerRaw(app, seek, async (c) => {
    const { consumers, id } = instanceCall(c, deps)
    await consumers.seek(id, parsePositions(await readV2Body(c, deps, offsetsBytesMax)))
    return noContent()
  })

  for (const [route, kind] of [
    [seekToBeginning, 'earliest'],
    [seekToEnd, 'latest'],
  ] as const) {
    registerRaw(app, route, async (c) => {
      const { consumers, id } = instanceCall(c, deps)
      const partitions = parsePartitions(await readV2Body(c, deps, offsetsBytesMax))
      await consumers.seek(
        id,
        partitions.map((partition) => ({ ...partition, to: { kind } })),
      )
      return noContent()
    })
  }
}

function meantBy(
  { offsets, exact }: OffsetsToCommit,
  { dialect }: StoredInstance,
): readonly OffsetToCommit[] {
  if (exact || dialect === 'strimzi') return offsets
  return offsets.map((given) => ({ ...given, offset: given.offset + 1 }))
}

function renderOffset({
  topicName,
  partition,
  offset,
  metadata,
}: TopicPartition & Pick<OffsetToCommit, 'offset' | 'metadata'>) {
  return { topic: topicName, partition, offset, metadata }
}
