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

export function draftRecords(sim: Sim, count: number, shape: DraftShape): readonly SentRecord[] {
  return Array.from({ length: count }, () => draftRecord(sim, shape))
}

function draftRecord({ world, sent }: Sim, { keyed, largeBytes }: DraftShape): SentRecord {
  const { random } = world
  const id = `r${sent.size}`
  const padding = random.chance(0.03) ? largeBytes : random.between(0, 40)
  const record = {
    id,
    key: keyed ? `k${random.between(0, 99)}` : null,
    value: `${id} ${'x'.repeat(padding)}`,
    timestamp: Math.floor(world.now()) + random.between(-timestampSpreadMs, timestampSpreadMs),
  }
  sent.set(id, record)
  return record
}

export const newRecordOf = ({ key, value, timestamp }: SentRecord): NewRecord => ({
  timestamp,
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  headers: [],
})
