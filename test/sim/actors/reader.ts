// Readers: follow partitions from where they are, wait for what comes, jump about, and ask for offsets.
import { decodeRecords } from '../../../shared/kafka/recordBatch.ts'
import { readHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import type { FetchedPartition } from '../../../shared/service/cluster.ts'
import { ask } from '../client.ts'
import { type FetchAnswer, type FetchOp, idOf, type ListOffsetOp, type ReadRecord } from '../history.ts'
import { damageOf, type SimProcess } from '../process.ts'
import { type Actor, begin, createRoute, pause, type Sim } from '../sim.ts'

export interface ReaderSettings {
  readonly topicName: string
  readonly partitions: readonly number[]
  readonly pauseMsMax: number
}

export interface FetchSpec {
  readonly positions: ReadonlyMap<number, number>
  readonly maxBytes: number
  readonly minBytes: number
  readonly maxWaitMs: number
}

export function createReader({ topicName, partitions, pauseMsMax }: ReaderSettings): Actor {
  return {
    name: `reader of ${topicName}/${partitions.join()}`,
    async run(sim) {
      const { random } = sim.world
      const route = createRoute(sim)
      const positions = new Map(partitions.map((partition) => [partition, 0]))
      while (!sim.isEnding()) {
        const waits = random.chance(0.5)
        const spec = {
          positions,
          maxBytes: random.pick([1, 300, 5_000, 1_000_000]),
          minBytes: waits ? random.pick([1, 500]) : 0,
          maxWaitMs: waits ? random.between(0, 2_000) : 0,
        }
        const op = await fetchOnce(sim, route(), topicName, spec)
        for (const answer of op.answers) positions.set(answer.partition, nextPosition(sim, answer))
        if (random.chance(0.2)) await listOnce(sim, route(), topicName, random.pick(partitions))
        await pause(sim, pauseMsMax)
      }
    },
  }
}

export async function fetchOnce(
  sim: Sim,
  process: SimProcess,
  topicName: string,
  { positions, ...bounds }: FetchSpec,
): Promise<FetchOp> {
  const op: FetchOp = { kind: 'fetch', ...begin(sim), topicName, answers: [] }
  sim.history.push(op)
  const partitions = [...positions].map(([partition, offset]) => ({
    partition,
    offset,
    maxBytes: bounds.maxBytes,
  }))
  const from = partitions.map(({ partition, offset }) => `${partition}@${offset}`).join()
  const answer = await ask(sim, process, `fetch ${topicName}/${from}`, op, () =>
    process.cluster.fetch({ topicName, partitions, ...bounds }),
  )
  if (answer.kind === 'refused') op.damage = damageOf(answer.error)
  if (answer.kind !== 'ok') return op
  sim.counters.count('fetched')
  op.answers = answer.value.map((fetched) => toAnswer(sim, fetched, positions.get(fetched.partition) ?? 0))
  return op
}

function toAnswer(sim: Sim, fetched: FetchedPartition, asked: number): FetchAnswer {
  const { partition, logStartOffset, highWatermark, error } = fetched
  if (error) return { kind: 'outOfRange', partition, asked, logStartOffset, highWatermark }
  const records = fetched.batches.flatMap((batch) => readBatch(sim, batch))
  const last = fetched.batches.at(-1)
  const read = { kind: 'read', partition, asked, logStartOffset, highWatermark, records } as const
  if (!last) return read
  const { baseOffset, lastOffsetDelta } = readHeader(last)
  return { ...read, endOffset: baseOffset + lastOffsetDelta + 1 }
}

/** What is read must be, byte for byte, what was sent. */
function readBatch(sim: Sim, batch: Uint8Array): readonly ReadRecord[] {
  return decodeRecords(batch, 1024 * 1024).map((record) => {
    const { offset, key, value } = record
    const id = idOf(record)
    const sent = sim.sent.get(id)
    const sameKey = (sent?.key ?? null) === (key && Buffer.from(key).toString())
    if (!sent || !sameKey || sent.value !== (value && Buffer.from(value).toString())) {
      sim.report(
        `offset ${offset} holds bytes that nobody sent: ${Buffer.from(value ?? []).toString('latin1')}`,
      )
    }
    return { offset, id }
  })
}

function nextPosition({ world }: Sim, answer: FetchAnswer): number {
  const { logStartOffset, highWatermark } = answer
  if (answer.kind === 'outOfRange') return logStartOffset
  if (world.random.chance(0.1)) return world.random.between(logStartOffset, highWatermark)
  return answer.endOffset ?? answer.asked
}

async function listOnce(sim: Sim, process: SimProcess, topicName: string, partition: number): Promise<void> {
  const { random } = sim.world
  const timestamp = timestampToSeek(sim)
  await listOffset(sim, process, {
    topicName,
    partition,
    spec: random.pick(['earliest', 'latest', 'maxTimestamp', timestamp, timestamp, timestamp] as const),
  })
}

/** Of some record, or somewhere about. */
export function timestampToSeek({ world, sent }: Sim): number {
  const { random } = world
  const some = random.chance(0.5) ? sent.get(`r${random.between(0, sent.size - 1)}`) : undefined
  return some?.timestamp ?? Math.floor(world.now()) + random.between(-700_000, 700_000)
}

export async function listOffset(
  sim: Sim,
  process: SimProcess,
  { topicName, partition, spec }: Pick<ListOffsetOp, 'topicName' | 'partition' | 'spec'>,
): Promise<ListOffsetOp> {
  const op: ListOffsetOp = {
    kind: 'listOffset',
    ...begin(sim),
    topicName,
    partition,
    spec,
    offset: undefined,
  }
  sim.history.push(op)
  const kafkaSpec =
    typeof spec === 'number' ? ({ kind: 'timestamp', timestamp: spec } as const) : { kind: spec }
  const answer = await ask(sim, process, `listOffset ${topicName}/${partition} ${spec}`, op, () =>
    process.cluster.listOffsets(topicName, partition, kafkaSpec),
  )
  if (answer.kind === 'refused') op.damage = damageOf(answer.error)
  if (answer.kind === 'ok') {
    sim.counters.count('searched')
    op.offset = answer.value.offset
  }
  return op
}
