// One segment, built in memory: batches with their offsets, an index of chunks, a footer. What goes in is counted, and
// what comes out is counted again from its bytes: they must agree before anything is stored.

import { invariant, KafkaError } from '../base/errors.ts'
import { eachBatch, patchBatch } from '../kafka/recordBatch.ts'
import { batchCrcIsValid, readHeader } from '../kafka/recordBatchLayout.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { encodeSegmentFooter } from '../metadata/segmentFooter.ts'
import type { GiveWay } from '../ports/giveWay.ts'
import { type Slabs, slabBytes } from './slabs.ts'

export interface SegmentPlace {
  readonly topicId: string
  readonly partition: number
  readonly objectId: string
  /** First offset of the range that the segment covers, whether or not a record is left there. */
  readonly baseOffset: number
}

/** What merging must conserve. */
export interface Tally {
  readonly batchCount: number
  readonly recordCount: number
  /** Sum of the batches' CRCs, modulo 2^32. */
  readonly crcSum: number
}

export interface BuiltSegment {
  readonly parts: readonly Uint8Array[]
  readonly extents: readonly PlacedExtent[]
  readonly tally: Tally
  /** Bytes of the batches. */
  readonly bytes: number
  readonly maxTimestamp: number
  /** Of the first batch, -1 where there is none. */
  readonly firstTimestamp: number
  /** The parts are stored, and nobody looks at them any more. */
  free(): void
}

export interface SegmentBuilder {
  /** A batch that follows those before it; it is copied. */
  add(batch: Uint8Array, baseOffset: number): void
  /** `endOffset` is exclusive and may lie behind the last record. */
  finish(endOffset: number, giveWay: GiveWay): Promise<BuiltSegment>
  /** Of a segment that nobody wants. */
  free(): void
}

const chunkBytes = 1024 * 1024

interface Chunk {
  readonly baseOffset: number
  readonly position: number
  length: number
  maxTimestamp: number
}

/** `bytesExpected` is a guess, so that a small segment does not take much memory. */
export function createSegmentBuilder(
  place: SegmentPlace,
  bytesExpected: number,
  slabs: Slabs,
): SegmentBuilder {
  const packed = createPacked(slabs, Math.min(bytesExpected, slabBytes))
  const chunks: Chunk[] = [newChunk(place.baseOffset, 0)]
  let bytes = 0

  return {
    free: packed.free,
    add(batch, baseOffset) {
      const copy = packed.add(batch)
      patchBatch(copy, baseOffset, 0)
      const { maxTimestamp } = readHeader(copy)
      let chunk = chunks.at(-1)
      if (!chunk || chunk.length >= chunkBytes) {
        chunk = newChunk(baseOffset, bytes)
        chunks.push(chunk)
      }
      chunk.length += copy.length
      chunk.maxTimestamp = Math.max(chunk.maxTimestamp, maxTimestamp)
      bytes += copy.length
    },
    async finish(endOffset, giveWay) {
      const extents = chunks.map((chunk, i): PlacedExtent => {
        const end = chunks[i + 1]?.baseOffset ?? endOffset
        return {
          storage: 'segment',
          objectId: place.objectId,
          position: chunk.position,
          length: chunk.length,
          baseOffset: chunk.baseOffset,
          offsetCount: end - chunk.baseOffset,
          maxTimestamp: chunk.maxTimestamp,
          producerBatches: [],
        }
      })
      const parts = packed.filled()
      const tally = await tallyOf(parts, place.baseOffset, endOffset, giveWay)
      const footer = encodeSegmentFooter({ ...place, ...tally, endOffset, chunks: extents })
      const maxTimestamp = Math.max(...extents.map((extent) => extent.maxTimestamp))
      const [first] = parts
      const firstTimestamp = first ? readHeader(first).maxTimestamp : -1
      const { free } = packed
      return { parts: [...parts, footer], extents, tally, bytes, maxTimestamp, firstTimestamp, free }
    },
  }
}

/** Batches one after the other in a few large pieces of memory. */
function createPacked(slabs: Slabs, pieceBytes: number) {
  const full: Uint8Array[] = []
  const taken: Uint8Array[] = []
  let slab: Uint8Array = new Uint8Array(0)
  let filled = 0
  return {
    /** The copy. */
    add(batch: Uint8Array): Uint8Array {
      if (filled + batch.length > slab.length) {
        full.push(slab.subarray(0, filled))
        slab = slabs.take(Math.max(batch.length, pieceBytes))
        taken.push(slab)
        filled = 0
      }
      slab.set(batch, filled)
      filled += batch.length
      return slab.subarray(filled - batch.length, filled)
    },
    filled: (): readonly Uint8Array[] =>
      [...full, slab.subarray(0, filled)].filter(({ length }) => length > 0),
    free: () => slabs.give(taken.splice(0)),
  }
}

const newChunk = (baseOffset: number, position: number): Chunk => ({
  baseOffset,
  position,
  length: 0,
  maxTimestamp: -1,
})

export function addToTally(tally: Tally, batch: Uint8Array): Tally {
  const { recordCount, crc } = readHeader(batch)
  return {
    batchCount: tally.batchCount + 1,
    recordCount: tally.recordCount + recordCount,
    crcSum: (tally.crcSum + crc) % 2 ** 32,
  }
}

export const emptyTally: Tally = { batchCount: 0, recordCount: 0, crcSum: 0 }

/** Counts what is about to be stored, and checks that it is whole and in order. */
async function tallyOf(
  parts: readonly Uint8Array[],
  baseOffset: number,
  endOffset: number,
  giveWay: GiveWay,
): Promise<Tally> {
  let tally = emptyTally
  let next = baseOffset
  for (const part of parts) {
    for (const batch of eachBatch(part)) {
      const header = readHeader(batch)
      const end = header.baseOffset + header.lastOffsetDelta + 1
      invariant(
        header.baseOffset >= next && end <= endOffset,
        'the batches of a segment are in order within its range',
      )
      if (!batchCrcIsValid(batch)) throw damagedBatch(header.baseOffset)
      tally = addToTally(tally, batch)
      next = end
      await giveWay()
    }
  }
  return tally
}

/** The caller knows which object the batch came from. */
const damagedBatch = (offset: number): KafkaError =>
  new KafkaError('KAFKA_STORAGE_ERROR', `the CRC of the batch at offset ${offset} does not match`, { offset })
