// Many producers that each say little: more than one sequencer keeps rows of, so that the idlest are evicted and come
// back.
import { type Actor, pause, type Sim } from '../sim.ts'
import { initProducer } from './idempotentProducer.ts'
import { draftRecords } from './records.ts'
import { send } from './send.ts'

export interface SwarmSettings {
  readonly topicName: string
  readonly partitionCount: number
  readonly producerCount: number
  readonly pauseMsMax: number
}

interface Member {
  id: bigint | undefined
  nextSequence: number
}

const atOnce = 40

export function createSwarm({ topicName, partitionCount, producerCount, pauseMsMax }: SwarmSettings): Actor {
  const members = Array.from({ length: producerCount }, (): Member => ({ id: undefined, nextSequence: 0 }))

  /** A request whose end is not known is repeated once; a member that stays in doubt begins again as another one. */
  const speak = async (sim: Sim, member: Member, partition: number) => {
    member.id ??= await initProducer(sim)
    if (member.id === undefined) return
    const producer = { id: member.id, epoch: 0, baseSequence: member.nextSequence, partition }
    const drafts = draftRecords(sim, topicName, 1, { keyed: false, largeBytes: 100 })
    for (let attempt = 1; attempt <= 3; attempt++) {
      const [outcome] = await send(sim, sim.fleet.any(), { topicName, partition, drafts, producer })
      if (outcome?.kind === 'ok') {
        member.nextSequence++
        return
      }
      await pause(sim, 100)
    }
    member.id = undefined
    member.nextSequence = 0
  }

  return {
    name: `swarm of ${producerCount} to ${topicName}`,
    async run(sim) {
      for (let next = 0; !sim.isEnding(); next += atOnce) {
        const some = Array.from({ length: atOnce }, (_, i) => (next + i) % producerCount)
        const speakers = some.map((index) => {
          const member = members[index]
          return member && speak(sim, member, index % partitionCount)
        })
        await Promise.all(speakers)
        await pause(sim, pauseMsMax)
      }
    },
  }
}
