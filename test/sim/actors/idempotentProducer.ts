// A producer with a sequence, to one partition, as Kafka's client does it: up to five requests under way, each repeated
// with its sequence until it is answered, to another process than before. When its sequence is broken for good (the
// topic was created anew, a request was given up) it begins again: with a new id, or with its next epoch.

import { ask } from '../client.ts'
import type { InitProducerOp, RecordOutcome, SentProducer, SentRecord } from '../history.ts'
import { type Actor, begin, createRoute, pause, type Sim } from '../sim.ts'
import { draftRecords } from './records.ts'
import { send } from './send.ts'

export interface IdempotentProducerSettings {
  readonly topicName: string
  readonly partition: number
  readonly inFlightMax: number
  readonly pauseMsMax: number
  readonly encoded: boolean
  readonly attemptsMax: number
}

interface Session {
  readonly id: bigint
  readonly epoch: number
  nextSequence: number
  broken: boolean
}

const sequencesPerSessionMax = 400

export function createIdempotentProducer(settings: IdempotentProducerSettings): Actor {
  const { topicName, partition, inFlightMax, pauseMsMax } = settings
  return {
    name: `idempotent to ${topicName}/${partition}`,
    async run(sim) {
      const all: Promise<unknown>[] = []
      let session: Session | undefined
      while (!sim.isEnding()) {
        const nextEpoch = session && sim.world.random.chance(0.5) ? session : undefined
        session = nextEpoch ? newSession(nextEpoch.id, nextEpoch.epoch + 1) : await initSession(sim)
        if (!session) continue
        const mine = session
        const workers = Array.from({ length: inFlightMax }, () => produce(sim, settings, mine))
        all.push(...workers)
        // Sometimes the next one begins while the last one's requests are still on their way.
        await (sim.world.random.chance(0.5) ? Promise.all(workers) : Promise.race(workers))
        mine.broken = true
        await pause(sim, pauseMsMax)
      }
      await Promise.all(all)
    },
  }
}

const newSession = (id: bigint, epoch: number): Session => ({ id, epoch, nextSequence: 0, broken: false })

async function initSession(sim: Sim): Promise<Session | undefined> {
  const id = await initProducer(sim)
  if (id === undefined) await pause(sim, 100)
  return id === undefined ? undefined : newSession(id, 0)
}

export async function initProducer(sim: Sim): Promise<bigint | undefined> {
  const op: InitProducerOp = { kind: 'initProducer', ...begin(sim), producerId: undefined }
  sim.history.push(op)
  const process = sim.fleet.any()
  const answer = await ask(sim, process, 'initProducer', op, () => process.cluster.initProducer())
  if (answer.kind === 'ok') op.producerId = answer.value.id
  return op.producerId
}

async function produce(sim: Sim, settings: IdempotentProducerSettings, session: Session): Promise<void> {
  const { random } = sim.world
  const { topicName, partition, encoded, pauseMsMax } = settings
  while (!sim.isEnding() && !session.broken && session.nextSequence < sequencesPerSessionMax) {
    const drafts = draftRecords(sim, topicName, random.between(1, 4), { keyed: true, largeBytes: 200 })
    const { id, epoch, nextSequence: baseSequence } = session
    session.nextSequence += drafts.length
    const producer = { id, epoch, baseSequence, partition }
    const recordsPerBatch = encoded ? random.between(1, 4) : undefined
    const stored = await sendUntilStored(sim, settings, session, drafts, producer, recordsPerBatch)
    session.broken ||= !stored
    await pause(sim, pauseMsMax)
  }
}

async function sendUntilStored(
  sim: Sim,
  { topicName, partition, attemptsMax }: IdempotentProducerSettings,
  session: Session,
  drafts: readonly SentRecord[],
  producer: SentProducer,
  recordsPerBatch: number | undefined,
): Promise<boolean> {
  const route = createRoute(sim)
  const request = {
    topicName,
    partition,
    drafts,
    producer,
    ...(recordsPerBatch === undefined ? {} : { recordsPerBatch }),
  }
  for (let attempt = 1; attempt <= attemptsMax && !(attempt > 1 && session.broken); attempt++) {
    const outcomes = await send(sim, route(), request)
    if (outcomes.every(isStored)) return true
    if (outcomes.some(isFinal)) return false
    await pause(sim, 50 * attempt)
  }
  return false
}

const isStored = (outcome: RecordOutcome): boolean =>
  outcome.kind === 'ok' || (outcome.kind === 'unknown' && outcome.why === 'DUPLICATE_SEQUENCE_NUMBER')

/** A gap is no end: the requests before this one may still be on their way. */
const isFinal = (outcome: RecordOutcome): boolean =>
  outcome.kind === 'none' && ['INVALID_PRODUCER_EPOCH', 'INVALID_TIMESTAMP'].includes(outcome.code)
