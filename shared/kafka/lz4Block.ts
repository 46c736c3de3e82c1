// The block format of LZ4: a chain of sequences, the last of which has literals only.
//
//   sequence   token u8: literal length in the high half, match length - 4 in the low half; 15 = add the
//              bytes that follow, up to the first below 255
//              | [more literal length] | literals | distance u16 LE (>= 1) | [more match length]

import { KafkaError } from '../base/errors.ts'
import { copyLiterals, copyMatch, endOfMatch, hashWord, loadWord } from './lz.ts'

const matchLengthMin = 4
/** The format keeps the last five bytes literal and begins no match in the last twelve. */
const literalTail = 5
const matchFreeTail = 12

/** The most that one block of `size` bytes becomes. */
export function compressedSizeMax(size: number): number {
  return size + Math.ceil(size / 255) + 16
}

/** Bytes that the block stands for, added up without writing any. */
export function plainSizeOfBlock(bytes: Uint8Array, start: number, end: number): number {
  const cursor = { bytes, position: start, end }
  let size = 0
  for (;;) {
    const token = nextByte(cursor)
    const literals = lengthOf(cursor, token >> 4)
    cursor.position += literals
    size += literals
    if (cursor.position === end) return size
    cursor.position += 2
    if (cursor.position > end) throw malformed('a sequence is truncated', end)
    size += lengthOf(cursor, token & 15) + matchLengthMin
  }
}

/** Decodes a block whose plain size has been added up. Matches begin at `matchesFrom` at the earliest. */
export function decodeBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outStart: number,
  matchesFrom: number,
): void {
  const cursor = { bytes, position: start, end }
  let outPosition = outStart
  for (;;) {
    const token = nextByte(cursor)
    const literals = lengthOf(cursor, token >> 4)
    copyLiterals(bytes, cursor.position, literals, out, outPosition)
    cursor.position += literals
    outPosition += literals
    if (cursor.position === end) return
    const distance = nextByte(cursor) | (nextByte(cursor) << 8)
    if (distance === 0 || distance > outPosition - matchesFrom) {
      throw malformed('a match begins outside', cursor.position - 2)
    }
    const length = lengthOf(cursor, token & 15) + matchLengthMin
    copyMatch(out, outPosition, distance, length)
    outPosition += length
  }
}

/** Writes one block of at most 64 KiB and answers its end. The table: hash -> last position plus one. */
export function encodeBlock(
  block: Uint8Array,
  out: Uint8Array,
  outStart: number,
  table: Uint16Array,
): number {
  table.fill(0)
  const lastMatchStart = block.length - matchFreeTail
  const matchLimit = block.length - literalTail
  let outPosition = outStart
  let literalStart = 0
  let position = 0
  while (position <= lastMatchStart) {
    const word = loadWord(block, position)
    const hash = hashWord(word)
    const candidate = (table[hash] ?? 0) - 1
    table[hash] = position + 1
    if (candidate < 0 || loadWord(block, candidate) !== word) {
      position += 1 + ((position - literalStart) >> 6)
      continue
    }
    const end = endOfMatch(block, position + matchLengthMin, candidate + matchLengthMin, matchLimit)
    const matchLength = end - position - matchLengthMin
    outPosition = writeLiterals(block, literalStart, position, out, outPosition, Math.min(matchLength, 15))
    out[outPosition++] = position - candidate
    out[outPosition++] = (position - candidate) >> 8
    outPosition = writeLength(out, outPosition, matchLength)
    position = end
    literalStart = end
  }
  return writeLiterals(block, literalStart, block.length, out, outPosition, 0)
}

interface Cursor {
  readonly bytes: Uint8Array
  position: number
  readonly end: number
}

function nextByte(cursor: Cursor): number {
  if (cursor.position >= cursor.end) throw malformed('a sequence is truncated', cursor.end)
  return cursor.bytes[cursor.position++] ?? 0
}

/** The length that half a token begins. Literals that leave the block are refused with the next byte read. */
function lengthOf(cursor: Cursor, half: number): number {
  if (half < 15) return half
  let length = half
  for (;;) {
    const byte = nextByte(cursor)
    length += byte
    if (byte < 255) return length
  }
}

/** Writes the token, the length of the literals and the literals. */
function writeLiterals(
  block: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outStart: number,
  matchHalf: number,
): number {
  const length = end - start
  out[outStart] = (Math.min(length, 15) << 4) | matchHalf
  const position = writeLength(out, outStart + 1, length)
  copyLiterals(block, start, length, out, position)
  return position + length
}

function writeLength(out: Uint8Array, outStart: number, length: number): number {
  if (length < 15) return outStart
  let position = outStart
  let rest = length - 15
  for (; rest >= 255; rest -= 255) out[position++] = 255
  out[position++] = rest
  return position
}

function malformed(trouble: string, position: number): KafkaError {
  return new KafkaError('CORRUPT_MESSAGE', `lz4 data is malformed at byte ${position}: ${trouble}`)
}
