// Walks the records of a batch, one after the other, and keeps only numbers of the current one, so that
// validation allocates nothing for a record; decoding, compaction and conversion take what they need from the
// same walk. Refuses (INVALID_RECORD, naming the record's index and the byte position) whatever does not fit
// exactly.
//
//   record   length varint | attributes i8 | timestampDelta varlong | offsetDelta varint
//            | keyLength varint (-1 = null) | key | valueLength varint (-1 = null) | value
//            | headerCount varint | { keyLength varint | key UTF-8 | valueLength varint | value } ...

import { ByteReader } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'

/** What the batch's header says about its records. */
interface BatchOfRecords {
  readonly recordCount: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
}

export class RecordCursor {
  /** Of the current record; before the first one -1, and both positions where it begins. */
  index = -1
  start = 0
  end = 0
  /** As the producer gave it; LogAppendTime puts the batch's largest in its place. */
  timestamp = 0
  offsetDelta = 0
  keyLength = -1
  keyStart = 0
  valueLength = -1
  headerCount = 0
  #valueStart = 0
  #headersStart = 0
  /** In which the positions count. */
  readonly bytes: Uint8Array
  readonly #start: number
  readonly #reader: ByteReader
  readonly #batch: BatchOfRecords

  /** The records fill the plain bytes from `start` on. */
  constructor(bytes: Uint8Array, start: number, batch: BatchOfRecords) {
    if (batch.recordCount < 0) throw refusal(`recordCount is ${batch.recordCount}`)
    this.bytes = bytes
    this.#start = start
    this.start = start
    this.end = start
    this.#reader = new ByteReader(bytes, 'INVALID_RECORD', start)
    this.#batch = batch
  }

  /** Goes to the next record; false after the last, with which the bytes must end. */
  next(): boolean {
    if (this.index + 1 >= this.#batch.recordCount) {
      this.#reader.expectEnd('the last record')
      return false
    }
    this.index++
    try {
      this.#readRecord(this.#reader)
    } catch (error) {
      throw this.#located(error)
    }
    return true
  }

  key(): Uint8Array | null {
    return this.#slice(this.keyStart, this.keyLength)
  }

  value(): Uint8Array | null {
    return this.#slice(this.#valueStart, this.valueLength)
  }

  /** All records as they lie one after the other. */
  plainRecords(): Uint8Array {
    return this.bytes.subarray(this.#start)
  }

  eachHeader(visit: (key: string, value: Uint8Array | null) => void): void {
    const reader = this.#reader
    reader.position = this.#headersStart
    for (let index = 0; index < this.headerCount; index++) {
      const key = reader.utf8(reader.varint('header key length'), 'header key')
      const length = reader.varint('header value length')
      visit(key, length < 0 ? null : reader.bytes(length, 'header value'))
    }
  }

  #readRecord(reader: ByteReader): void {
    this.start = reader.position
    const length = reader.varint('length')
    this.end = reader.position + length
    reader.skipBytes(1, 'attributes')
    this.timestamp = this.#batch.baseTimestamp + reader.varlong('timestampDelta')
    this.offsetDelta = reader.varint('offsetDelta')
    this.#checkDeltas()
    this.keyLength = nullableLength(reader, 'key length')
    this.keyStart = reader.position
    if (this.keyLength > 0) reader.skipBytes(this.keyLength, 'key')
    this.valueLength = nullableLength(reader, 'value length')
    this.#valueStart = reader.position
    if (this.valueLength > 0) reader.skipBytes(this.valueLength, 'value')
    this.headerCount = reader.varint('header count')
    this.#headersStart = reader.position
    if (this.headerCount !== 0) this.#skipHeaders(reader)
    if (reader.position === this.end) return
    const taken = reader.position - this.end + length
    throw refusal(`length at byte ${this.start} says ${length} bytes, the fields take ${taken}`)
  }

  #checkDeltas(): void {
    if (!Number.isSafeInteger(this.timestamp)) {
      throw refusal(`timestampDelta after byte ${this.start} leads beyond 53 bits`)
    }
    if (this.offsetDelta < 0 || this.offsetDelta > this.#batch.lastOffsetDelta) {
      throw refusal(`offsetDelta after byte ${this.start} is outside 0..${this.#batch.lastOffsetDelta}`)
    }
  }

  #skipHeaders(reader: ByteReader): void {
    if (this.headerCount < 0) throw refusal(`header count before byte ${reader.position} is negative`)
    for (let index = 0; index < this.headerCount; index++) {
      reader.skipBytes(reader.varint('header key length'), 'header key')
      const length = nullableLength(reader, 'header value length')
      if (length > 0) reader.skipBytes(length, 'header value')
    }
  }

  #slice(start: number, length: number): Uint8Array | null {
    return length < 0 ? null : this.bytes.subarray(start, start + length)
  }

  #located(error: unknown): unknown {
    if (!(error instanceof KafkaError)) return error
    return new KafkaError(error.code, `record ${this.index}: ${error.message}`, { recordIndex: this.index })
  }
}

function nullableLength(reader: ByteReader, field: string): number {
  const start = reader.position
  const length = reader.varint(field)
  if (length < -1) throw refusal(`${field} at byte ${start} is ${length}`)
  return length
}

function refusal(trouble: string): KafkaError {
  return new KafkaError('INVALID_RECORD', trouble)
}
