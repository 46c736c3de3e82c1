// The only builder of table keys and object names. A scope belongs to one tenant, so a key outside it cannot be written
// down. Shapes are stored: never change one without a new schema version.
//
//   pk <tenant>/topics              sk <name with '.' as '_'>       a topic
//   pk <tenant>/deleted             sk <topic id>                   a deleted topic whose objects still wait for collection
//   pk <tenant>/producers           sk next                         the next block of producer ids
//   pk <tenant>/<topic id>/<group>  sk sequencer                    16 partitions: next offsets, tail, producers
//   pk <tenant>/<topic id>/<group>  sk producer/<p>/<id>            a producer evicted from the sequencer
//   pk <tenant>/<topic id>/p<p>     sk index/<last offset>          extents of one partition, 20 digits
//   pk <tenant>/inline/<object id>  sk data                         a small flush
//   object <tenant>/log/<7 hex>/<25 hex>                            a flush; the name begins with its time

import type { ItemKey } from '../ports/table.ts'

export interface Scope {
  readonly topicsPk: string
  readonly deletedPk: string
  topic(collisionKey: string): ItemKey
  deletedTopic(topicId: string): ItemKey
  producerIds(): ItemKey
  sequencer(topicId: string, group: number): ItemKey
  evictedProducer(topicId: string, group: number, partition: number, producerId: string): ItemKey
  indexPk(topicId: string, partition: number): string
  index(topicId: string, partition: number, lastOffset: number): ItemKey
  inlineData(objectId: string): ItemKey
  logObject(objectId: string): string
}

/** `tenantId` comes from authentication and is [A-Za-z0-9_-]+: it can hold no separator. */
export function createScope(tenantId: string): Scope {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(tenantId)) throw new Error('a tenant id is 1 to 64 of [A-Za-z0-9_-]')
  const topicsPk = `${tenantId}/topics`
  const deletedPk = `${tenantId}/deleted`
  const groupPk = (topicId: string, group: number) => `${tenantId}/${topicId}/${group}`
  const indexPk = (topicId: string, partition: number) => `${tenantId}/${topicId}/p${partition}`
  return {
    topicsPk,
    deletedPk,
    topic: (collisionKey) => ({ pk: topicsPk, sk: collisionKey }),
    deletedTopic: (topicId) => ({ pk: deletedPk, sk: topicId }),
    producerIds: () => ({ pk: `${tenantId}/producers`, sk: 'next' }),
    sequencer: (topicId, group) => ({ pk: groupPk(topicId, group), sk: 'sequencer' }),
    evictedProducer: (topicId, group, partition, producerId) => ({
      pk: groupPk(topicId, group),
      sk: `producer/${partition}/${producerId}`,
    }),
    indexPk,
    index: (topicId, partition, lastOffset) => ({
      pk: indexPk(topicId, partition),
      sk: indexSortKey(lastOffset),
    }),
    inlineData: (objectId) => ({ pk: `${tenantId}/inline/${objectId}`, sk: 'data' }),
    logObject: (objectId) => `${tenantId}/log/${objectId.slice(0, 7)}/${objectId.slice(7)}`,
  }
}

const indexPrefix = 'index/'

/** Index items are found by the first last offset at or after the one looked for. */
export const indexSortKey = (lastOffset: number): string => indexPrefix + String(lastOffset).padStart(20, '0')

/** Sorts after every index item. */
export const indexSortKeyEnd = `${indexPrefix}~`
