// What was ordered: every record of every commit, noted as the commit lands in the table, with the bytes that
// lie in the store at that time. It is what the log has to show for ever after, whatever compaction makes of
// the bytes.

import { limits } from '../../../shared/base/limits.ts'
import { decodeRecords, splitBatches } from '../../../shared/kafka/recordBatch.ts'
import { batchCrcIsValid, readHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import { decodeTailEntry, type PartitionExtent } from '../../../shared/metadata/extent.ts'
import { objectTimeMs } from '../../../shared/metadata/objectId.ts'
import type { Scope } from '../../../shared/metadata/scope.ts'
import { nextAttribute } from '../../../shared/metadata/sequencer.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import type { Table, Write, WriteOutcome } from '../../../shared/ports/table.ts'
import { idOf } from '../history.ts'

export interface LedgerRecord {
  readonly id: string
  readonly key: string | null
  readonly isTombstone: boolean
  readonly timestamp: number
  readonly producer?: { readonly id: bigint; readonly epoch: number; readonly sequence: number }
  readonly committedAtMs: number
  /** When compaction took it, in the order of the world; Infinity: it is there. */
  removedAt: number
  /** When its tombstone may go, as its batch says; undefined: it does not say. */
  horizonMs: number | undefined
}

/** Where a flush lies in the log. */
export interface CommittedExtent {
  readonly topicId: string
  readonly partition: number
  /** Exclusive. */
  readonly endOffset: number
}

export interface Ledger {
  /** By offset, from 0 on. */
  recordsOf(topicId: string, partition: number): readonly LedgerRecord[]
  extentsOf(objectId: string): readonly CommittedExtent[]
  noteWrite(write: Write, outcome: WriteOutcome): Promise<void>
}

export interface LedgerDeps {
  readonly table: Table
  readonly objects: ObjectStore
  readonly scope: Scope
  readonly now: () => number
  /** How much later than its process decided it a write may land, with the skew of clocks. */
  readonly lateMsMax: number
  readonly report: (violation: string) => void
}

export function createLedger(deps: LedgerDeps): Ledger {
  const logs = new Map<string, LedgerRecord[]>()
  const extents = new Map<string, CommittedExtent[]>()
  const { now, report } = deps

  const logOf = (topicId: string, partition: number): LedgerRecord[] => {
    const name = `${topicId}/${partition}`
    const log = logs.get(name) ?? []
    logs.set(name, log)
    return log
  }

  const noteExtent = async (topicId: string, extent: PartitionExtent) => {
    const log = logOf(topicId, extent.partition)
    const records = await recordsOf(deps, extent)
    if (records.length !== extent.offsetCount) {
      const place = `object ${extent.objectId} of ${topicId}/${extent.partition}`
      report(
        `${place} was committed and has not all of its bytes: ${records.length} of ${extent.offsetCount}`,
      )
    }
    log.push(...records)
    const committed = { topicId, partition: extent.partition, endOffset: log.length }
    extents.set(extent.objectId, [...(extents.get(extent.objectId) ?? []), committed])
  }

  return {
    recordsOf: logOf,
    extentsOf: (objectId) => extents.get(objectId) ?? [],
    async noteWrite(write, outcome) {
      if (write.kind !== 'update' || write.key.sk !== 'sequencer' || !outcome.ok) return
      const append = write.actions.find(({ kind }) => kind === 'append')
      const entry = append?.kind === 'append' ? append.values[0] : undefined
      if (!(entry instanceof Uint8Array)) return
      const [, topicId = ''] = write.key.pk.split('/')
      const { objectId, extents: appended } = decodeTailEntry(entry)
      for (const extent of appended) await noteExtent(topicId, extent)
      const lateMs = now() - objectTimeMs(objectId) - limits.writerPatienceMs
      if (lateMs > deps.lateMsMax)
        report(`object ${objectId} was committed ${lateMs} ms after its writer's patience`)
      for (const { partition } of appended) {
        const next = outcome.updated[nextAttribute(partition)]
        const length = logOf(topicId, partition).length
        if (next !== length) report(`${topicId}/${partition}: ${next} comes next after ${length} records`)
      }
    },
  }
}

async function recordsOf(
  { table, objects, scope, now }: LedgerDeps,
  { storage, objectId, position, length }: PartitionExtent,
): Promise<readonly LedgerRecord[]> {
  const item = storage === 'inline' ? await table.get(scope.inlineData(objectId)) : undefined
  const data = item?.attributes.data
  const bytes =
    data instanceof Uint8Array
      ? data.subarray(position, position + length)
      : await objects.getRange(scope.logObject(objectId), position, length)
  if (bytes?.length !== length) return []
  return splitBatches(bytes).flatMap((batch) =>
    recordsOfBatch(batch).map((record) => newRecord(record, now())),
  )
}

const newRecord = (record: StoredRecord, committedAtMs: number): LedgerRecord => ({
  ...record,
  committedAtMs,
  removedAt: Number.POSITIVE_INFINITY,
  horizonMs: undefined,
})

type StoredRecord = Omit<LedgerRecord, 'committedAtMs' | 'removedAt' | 'horizonMs'> & {
  readonly offset: number
  readonly batchHorizonMs: number | undefined
}

const horizonBit = 1 << 6

/** Empty where the batch is damaged. `offset` counts from the batch's own base. */
export function recordsOfBatch(batch: Uint8Array): readonly StoredRecord[] {
  if (!batchCrcIsValid(batch)) return []
  const { producerId, producerEpoch, baseSequence, baseOffset, attributes, baseTimestamp } = readHeader(batch)
  const batchHorizonMs = attributes & horizonBit ? baseTimestamp : undefined
  return decodeRecords(batch, 1024 * 1024).map((record): StoredRecord => {
    const { key, value, timestamp, offset } = record
    const known = {
      id: idOf(record),
      key: key && Buffer.from(key).toString(),
      isTombstone: value === null,
      timestamp,
      offset,
      batchHorizonMs,
    }
    if (producerId < 0n) return known
    const sequence = baseSequence + offset - baseOffset
    return { ...known, producer: { id: producerId, epoch: producerEpoch, sequence } }
  })
}
