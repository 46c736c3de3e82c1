// A cluster whose caller is billed: every call is a request, and what was stored and what was fetched is counted by
// topic. What is refused costs nothing but the request.

import type { Meter } from '../metering/meter.ts'
import { aroundCalls } from './aroundCalls.ts'
import type { Cluster } from './cluster.ts'
import { bytesFetched, recordBytes, recordsOf, recordsOfBody } from './recordBytes.ts'

export function createMeteredCluster(
  cluster: Cluster,
  meter: Pick<Meter, 'add'>,
  principal: string,
): Cluster {
  const counting: Cluster = {
    ...cluster,
    async produceRecords(topicName, records, producer) {
      const outcomes = await cluster.produceRecords(topicName, records, producer)
      const stored = records.filter((_, i) => isNew(outcomes[i]))
      const bytes = stored.reduce((sum, record) => sum + recordBytes(record), 0)
      meter.add(topicName, principal, { received_bytes: bytes, received_records: stored.length })
      return outcomes
    },
    async produceBatches(topicName, partition, body) {
      const appended = await cluster.produceBatches(topicName, partition, body)
      if (!appended.duplicate) {
        meter.add(topicName, principal, {
          received_bytes: body.length,
          received_records: recordsOfBody(body),
        })
      }
      return appended
    },
    async fetch(request) {
      const fetched = await cluster.fetch(request)
      const records = fetched.reduce((sum, { batches }) => sum + recordsOf(batches), 0)
      meter.add(request.topicName, principal, { sent_bytes: bytesFetched(fetched), sent_records: records })
      return fetched
    },
  }
  return aroundCalls(counting, async (call, topicName = '') => {
    try {
      const answer = await call()
      meter.add(topicName, principal, { request_count: 1 })
      return answer
    } catch (error) {
      // Whatever it named may not exist.
      meter.add('', principal, { request_count: 1 })
      throw error
    }
  })
}

const isNew = (outcome: { readonly ok: boolean; readonly duplicate?: boolean } | undefined): boolean =>
  outcome?.ok === true && outcome.duplicate !== true
