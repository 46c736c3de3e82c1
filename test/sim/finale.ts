// The end of a run: the faults are over, and everything must work again. Every log is read from its start to its end by
// a process that has lived through the run and by a new one, offsets are asked for, and every topic takes a record and
// gives it back.

import { fetchOnce, listOffset, timestampToSeek } from './actors/reader.ts'
import { draftRecords } from './actors/records.ts'
import { send } from './actors/send.ts'
import { ask } from './client.ts'
import type { SimProcess } from './process.ts'
import { begin, type Sim } from './sim.ts'

export async function finale(sim: Sim): Promise<void> {
  const processes = [sim.fleet.startNew(), sim.fleet.any()]
  await Promise.all(sim.fleet.all().map(({ cluster }) => cluster.idle()))
  for (const process of processes) {
    const topics = await ask(sim, process, 'listTopics', begin(sim), () => process.cluster.listTopics())
    if (topics.kind !== 'ok') return sim.report('topics cannot be listed after the faults are over')
    for (const { name, partitionCount } of topics.value) {
      for (let partition = 0; partition < partitionCount; partition++) {
        await produceAndRead(sim, process, name, partition)
        if (process === processes[0]) await listAll(sim, process, name, partition)
      }
    }
  }
}

async function produceAndRead(
  sim: Sim,
  process: SimProcess,
  topicName: string,
  partition: number,
): Promise<void> {
  const place = `${topicName}/${partition}`
  const drafts = draftRecords(sim, topicName, 1, { keyed: false, largeBytes: 10 })
  const [outcome] = await send(sim, process, { topicName, partition, drafts })
  if (outcome?.kind !== 'ok') {
    return sim.report(`${place} takes no record after the faults are over: ${JSON.stringify(outcome)}`)
  }
  const id = drafts[0]?.id
  let next = 0
  for (;;) {
    const spec = { positions: new Map([[partition, next]]), maxBytes: 20_000, minBytes: 0, maxWaitMs: 0 }
    const [answer] = (await fetchOnce(sim, process, topicName, spec)).answers
    if (answer?.kind === 'outOfRange' && next < answer.logStartOffset) {
      next = answer.logStartOffset
      continue
    }
    const end = answer?.kind === 'read' ? answer.endOffset : undefined
    if (end === undefined)
      return sim.report(`${place} cannot be read from offset ${next} after the faults are over`)
    next = end
    const isThere = answer?.kind === 'read' && answer.records.at(-1)?.id === id
    if (isThere || next > outcome.offset) return
  }
}

async function listAll(sim: Sim, process: SimProcess, topicName: string, partition: number): Promise<void> {
  const times = Array.from({ length: 3 }, () => timestampToSeek(sim))
  for (const spec of ['earliest', 'latest', 'maxTimestamp', ...times] as const) {
    const { offset } = await listOffset(sim, process, { topicName, partition, spec })
    if (offset === undefined) sim.report(`${topicName}/${partition}: no answer to listOffset ${spec}`)
  }
}
