// A producer without a sequence: it repeats nothing, because a repetition would be a second record. Several requests
// under way, records or encoded batches, spread over partitions or all to one.

import type { Actor, Sim } from '../sim.ts'
import { createRoute, pause } from '../sim.ts'
import { draftRecords } from './records.ts'
import { send } from './send.ts'

export interface PlainProducerSettings {
  readonly topicName: string
  readonly partitionCount: number
  readonly inFlightMax: number
  readonly pauseMsMax: number
  readonly encoded: boolean
  readonly largeBytes: number
}

export function createPlainProducer(settings: PlainProducerSettings): Actor {
  const { topicName, partitionCount, inFlightMax, pauseMsMax, encoded, largeBytes } = settings
  const worker = async (sim: Sim) => {
    const { random } = sim.world
    const route = createRoute(sim)
    while (!sim.isEnding()) {
      const drafts = draftRecords(sim, topicName, random.between(1, 4), { keyed: !encoded, largeBytes })
      const toPartition = encoded || random.chance(0.5)
      await send(sim, route(), {
        topicName,
        drafts,
        ...(toPartition ? { partition: random.between(0, partitionCount - 1) } : {}),
        ...(encoded ? { recordsPerBatch: random.between(1, 2) } : {}),
      })
      await pause(sim, pauseMsMax)
    }
  }
  return {
    name: `plain ${encoded ? 'batches' : 'records'} to ${topicName}`,
    run: async (sim) => {
      await Promise.all(Array.from({ length: inFlightMax }, () => worker(sim)))
    },
  }
}
