// A new batch out of an old one: another timestamp type, largest timestamp or, where given, other records
// under the same base offset, base timestamp, lastOffsetDelta and producer. The old batch stays as it is.

import { type Codec, codecBits } from './compression.ts'
import { withHeaderRoom } from './recordBatch.ts'
import {
  attributeBit,
  batchHeaderSize,
  readHeader,
  type TimestampType,
  writeHeader,
} from './recordBatchLayout.ts'

const codecMask = 0b111

export interface BatchChanges {
  readonly maxTimestamp: number
  readonly timestampType: TimestampType
  /** In place of the batch's records; `codec` has compressed them already. */
  readonly records?: { readonly codec: Codec; readonly bytes: Uint8Array; readonly count: number }
}

export function changeBatch(batch: Uint8Array, changes: BatchChanges): Uint8Array {
  const header = readHeader(batch)
  const { maxTimestamp, timestampType, records } = changes
  const codec = records === undefined ? header.attributes & codecMask : codecBits(records.codec)
  const kept = header.attributes & ~(codecMask | attributeBit.logAppendTime)
  const attributes = kept | codec | (timestampType === 'LogAppendTime' ? attributeBit.logAppendTime : 0)
  const changed = withHeaderRoom(records?.bytes ?? batch.subarray(batchHeaderSize))
  writeHeader(changed, {
    ...header,
    attributes,
    maxTimestamp,
    recordCount: records?.count ?? header.recordCount,
  })
  return changed
}
