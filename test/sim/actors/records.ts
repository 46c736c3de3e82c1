// Records to send. Every record has an id of its own, with which its value begins, so that it is known again anywhere.
import type { NewRecord } from '../../../shared/kafka/recordBatch.ts'
import type { SentRecord } from '../history.ts'
import type { Sim } from '../sim.ts'

export interface DraftShape {
  readonly keyed: boolean
  /** A few records are this large. */
  readonly largeBytes: number
}

const timestampSpreadMs = 600_000

export function draftRecords(
  sim: Sim,
  topicName: string,
  count: number,
  shape: DraftShape,
): readonly SentRecord[] {
  return Array.from({ length: count }, () => draftRecord(sim, topicName, shape))
}

function draftRecord(
  { world, sent, rulesOf }: Sim,
  topicName: string,
  { keyed, largeBytes }: DraftShape,
): SentRecord {
  const { random } = world
  const id = `r${sent.size}`
  const padding = random.chance(0.03) ? largeBytes : random.between(0, 40)
  const { compacts, keys } = rulesOf(topicName)
  const record = {
    id,
    key: keyed || compacts ? `k${random.between(0, keys - 1)}` : null,
    value: compacts && random.chance(0.2) ? null : `${id} ${'x'.repeat(padding)}`,
    timestamp: Math.floor(world.now()) + random.between(-timestampSpreadMs, timestampSpreadMs),
  }
  sent.set(id, record)
  return record
}

export const newRecordOf = ({ id, key, value, timestamp }: SentRecord): NewRecord => ({
  timestamp,
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: value === null ? [{ key: 'id', value: Buffer.from(`${id} `) }] : [],
})
