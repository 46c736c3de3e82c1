// An administrator of one topic: creates it, alters its configs, lets it grow, deletes records, deletes it and creates
// it again, and asks again where it is not told what became of a request.

import { ask, outcomeOf } from '../client.ts'
import type { CreateTopicOp, DeleteRecordsOp, DeleteTopicOp } from '../history.ts'
import { type Actor, begin, pause, type Sim } from '../sim.ts'
import { type CompactionRules, configsOf } from '../topicRules.ts'
import { listOffset } from './reader.ts'

export interface AdminSettings {
  readonly topicName: string
  readonly partitionCount: number
  readonly partitionCountMax: number
  readonly pauseMsMax: number
  readonly deletesTopic: boolean
  readonly deletesRecords: boolean
  readonly rules: CompactionRules
}

export function createAdmin(settings: AdminSettings): Actor {
  const { topicName, pauseMsMax } = settings
  return {
    name: `admin of ${topicName}`,
    async run(sim) {
      while (!sim.isEnding()) {
        await pause(sim, pauseMsMax)
        const drawn = sim.world.random.float()
        if (drawn < 0.1) await createTopic(sim, settings)
        else if (drawn < 0.4) await alterConfigs(sim, topicName)
        else if (drawn < 0.5) await grow(sim, settings)
        else if (drawn < 0.8 && settings.deletesRecords) await deleteRecords(sim, settings)
        else if (drawn >= 0.8 && settings.deletesTopic) await recreate(sim, settings)
      }
      await ensureTopic(sim, settings)
    },
  }
}

/** Until it is there, for all that can be known. */
export async function ensureTopic(sim: Sim, settings: AdminSettings): Promise<void> {
  for (;;) {
    const code = await createTopic(sim, settings)
    if (code === 'ok' || code === 'TOPIC_ALREADY_EXISTS') return
    await pause(sim, 200)
  }
}

async function recreate(sim: Sim, settings: AdminSettings): Promise<void> {
  const { topicName } = settings
  const op: DeleteTopicOp = { kind: 'deleteTopic', ...begin(sim), topicName, outcome: 'unknown' }
  sim.history.push(op)
  const process = sim.fleet.any()
  const answer = await ask(sim, process, `deleteTopic ${topicName}`, op, () =>
    process.cluster.deleteTopic(topicName),
  )
  op.outcome = outcomeOf(answer)
  if (sim.world.random.chance(0.5)) await pause(sim, 2_000)
  await ensureTopic(sim, settings)
}

async function createTopic(sim: Sim, { topicName, partitionCount, rules }: AdminSettings): Promise<string> {
  const op: CreateTopicOp = {
    kind: 'createTopic',
    ...begin(sim),
    topicName,
    outcome: 'unknown',
    topicId: undefined,
  }
  sim.history.push(op)
  const process = sim.fleet.any()
  const answer = await ask(sim, process, `createTopic ${topicName}`, op, () =>
    process.cluster.createTopic({
      name: topicName,
      partitionCount,
      configs: configsOf(rules),
      validateOnly: false,
    }),
  )
  op.outcome = outcomeOf(answer)
  if (answer.kind === 'ok') op.topicId = answer.value.topicId
  return answer.kind === 'refused' ? answer.error.code : answer.kind
}

async function alterConfigs(sim: Sim, topicName: string): Promise<void> {
  const { random } = sim.world
  const process = sim.fleet.any()
  const [name, value] = random.chance(0.7)
    ? (['millrace.write.path', random.pick(['auto', 's3', 'inline'])] as const)
    : (['message.timestamp.type', random.pick(['CreateTime', 'CreateTime', 'LogAppendTime'])] as const)
  const operation = { name, operation: 'SET', value } as const
  await ask(sim, process, `alterConfigs ${topicName} ${name}=${value}`, begin(sim), () =>
    process.cluster.alterConfigs(topicName, [operation], false),
  )
}

async function grow(sim: Sim, { topicName, partitionCountMax }: AdminSettings): Promise<void> {
  const process = sim.fleet.any()
  const wanted = sim.world.random.between(1, partitionCountMax)
  const answer = await ask(sim, process, `createPartitions ${topicName} ${wanted}`, begin(sim), () =>
    process.cluster.createPartitions(topicName, wanted, false),
  )
  if (answer.kind === 'ok') sim.counters.count('partitionsGrown')
}

async function deleteRecords(sim: Sim, { topicName, partitionCount }: AdminSettings): Promise<void> {
  const { random } = sim.world
  const partition = random.between(0, partitionCount - 1)
  const { offset: end } = await listOffset(sim, sim.fleet.any(), { topicName, partition, spec: 'latest' })
  if (end === undefined) return
  const beforeOffset = random.chance(0.1) ? -1 : random.between(0, end)
  const op: DeleteRecordsOp = {
    kind: 'deleteRecords',
    ...begin(sim),
    topicName,
    partition,
    beforeOffset,
    outcome: 'unknown',
    logStartOffset: undefined,
  }
  sim.history.push(op)
  const process = sim.fleet.any()
  const answer = await ask(
    sim,
    process,
    `deleteRecords ${topicName}/${partition} before ${beforeOffset}`,
    op,
    () => process.cluster.deleteRecords(topicName, partition, beforeOffset),
  )
  op.outcome = outcomeOf(answer)
  if (answer.kind !== 'ok') return
  op.logStartOffset = answer.value
  sim.counters.count('recordsDeleted')
}
