// Snappy as Kafka clients write and read it: blocks of at most 32 KiB in xerial's framing; on the way in also
// one bare block, which some clients send. Decoding sizes its output from the declared lengths, which it
// first holds against the caller's bound and against what so few bytes can stand for, and refuses everything
// that does not fit exactly.
//
//   xerial   82 53 4e 41 50 50 59 00 | version i32 = 1 | compatible i32 = 1 | { length i32 | block } ...
//   block    varint plain length | elements; the two low bits of an element's tag say what it is:
//            00 literal  length-1 in the tag, or (tag >> 2) - 59 bytes of it follow, little-endian
//            01 copy     length 4..11, distance 11 bits        10 copy  length 1..64, distance u16 LE
//            11 copy     length 1..64, distance u32 LE

import { viewOf } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import { copyLiterals, copyMatch, endOfMatch, hashTableSize, hashWord, loadWord } from './lz.ts'

const magic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const frameHeaderSize = 16
const blockSizeMax = 32 * 1024
/** The densest element is a copy of 64 bytes in three. */
const expansionMax = 22

interface Block {
  /** Where the elements begin and end, and how many bytes they stand for. */
  readonly start: number
  readonly end: number
  readonly plainLength: number
}

export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const blockCount = Math.ceil(bytes.length / blockSizeMax)
  const out = new Uint8Array(
    frameHeaderSize + bytes.length + Math.ceil(bytes.length / 6) + 64 * (blockCount + 1),
  )
  const view = viewOf(out)
  out.set(magic)
  view.setInt32(8, 1)
  view.setInt32(12, 1)
  const table = new Uint16Array(hashTableSize)
  let position = frameHeaderSize
  for (let start = 0; start < bytes.length; start += blockSizeMax) {
    const block = bytes.subarray(start, start + blockSizeMax)
    const end = encodeBlock(block, out, position + 4, table)
    view.setInt32(position, end - position - 4)
    position = end
  }
  return out.slice(0, position)
}

export function decompressSnappy(bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  const blocks = isFramed(bytes) ? framedBlocks(bytes) : [readBlock(bytes, 0, bytes.length)]
  let size = 0
  for (const block of blocks) size += block.plainLength
  if (size > maxOutputBytes) {
    throw new KafkaError(
      'INVALID_RECORD',
      `snappy data is larger than ${maxOutputBytes} bytes when decompressed`,
    )
  }
  const out = new Uint8Array(size)
  let position = 0
  for (const block of blocks) {
    decodeBlock(bytes, block, out, position)
    position += block.plainLength
  }
  return out
}

function isFramed(bytes: Uint8Array): boolean {
  return magic.every((byte, index) => bytes[index] === byte)
}

function framedBlocks(bytes: Uint8Array): readonly Block[] {
  const view = viewOf(bytes)
  if (bytes.length < frameHeaderSize) throw malformed('the frame header is truncated', bytes.length)
  if (view.getInt32(12) !== 1) throw malformed('the frame is of an unknown version', 12)
  const blocks: Block[] = []
  let position = frameHeaderSize
  while (position < bytes.length) {
    const start = position + 4
    if (start > bytes.length) throw malformed('a block length is truncated', position)
    const length = view.getInt32(position)
    if (length < 1 || length > bytes.length - start)
      throw malformed('a block length is out of range', position)
    blocks.push(readBlock(bytes, start, start + length))
    position = start + length
  }
  return blocks
}

function readBlock(bytes: Uint8Array, start: number, end: number): Block {
  let plainLength = 0
  let position = start
  for (let scale = 1; position < end && scale <= 2 ** 28; scale *= 128) {
    const byte = bytes[position] ?? 0
    position++
    plainLength += (byte & 0x7f) * scale
    if (byte > 0x7f) continue
    if (plainLength > (end - position) * expansionMax) break
    return { start: position, end, plainLength }
  }
  throw malformed('a plain length is out of range', start)
}

function decodeBlock(bytes: Uint8Array, block: Block, out: Uint8Array, outStart: number): void {
  const outEnd = outStart + block.plainLength
  let position = block.start
  let outPosition = outStart
  while (position < block.end) {
    const tag = bytes[position] ?? 0
    const kind = tag & 3
    const extraBytes = extraBytesOf(tag)
    const next = position + 1 + extraBytes
    if (next > block.end) throw malformed('an element is truncated', position)
    const extra = extraOf(bytes, position + 1, extraBytes)
    const length = elementLength(tag, extraBytes, extra)
    if (length > outEnd - outPosition) throw malformed('an element exceeds the plain length', position)
    if (kind === 0) {
      if (length > block.end - next) throw malformed('a literal is truncated', position)
      copyLiterals(bytes, next, length, out, outPosition)
      position = next + length
    } else {
      const distance = kind === 1 ? ((tag >> 5) << 8) | extra : extra
      if (distance === 0 || distance > outPosition - outStart)
        throw malformed('a copy begins outside', position)
      copyMatch(out, outPosition, distance, length)
      position = next
    }
    outPosition += length
  }
  if (outPosition !== outEnd) throw malformed('a block is shorter than its plain length', block.start)
}

function extraBytesOf(tag: number): number {
  const kind = tag & 3
  return kind === 0 ? Math.max(0, (tag >> 2) - 59) : 1 << (kind - 1)
}

/** The little-endian number after a tag. */
function extraOf(bytes: Uint8Array, position: number, extraBytes: number): number {
  const word = loadWord(bytes, position)
  return extraBytes === 4 ? word >>> 0 : word & ((1 << (8 * extraBytes)) - 1)
}

function elementLength(tag: number, extraBytes: number, extra: number): number {
  const kind = tag & 3
  if (kind === 1) return 4 + ((tag >> 2) & 7)
  if (kind === 0 && extraBytes > 0) return extra + 1
  return (tag >> 2) + 1
}

/** Writes one block and answers where it ends. The table: hash -> last position plus one. */
function encodeBlock(block: Uint8Array, out: Uint8Array, outStart: number, table: Uint16Array): number {
  table.fill(0)
  let outPosition = writePlainLength(out, outStart, block.length)
  let literalStart = 0
  let position = 0
  while (position + 4 <= block.length) {
    const word = loadWord(block, position)
    const hash = hashWord(word)
    const candidate = (table[hash] ?? 0) - 1
    table[hash] = position + 1
    if (candidate < 0 || loadWord(block, candidate) !== word) {
      position += 1 + ((position - literalStart) >> 5)
      continue
    }
    const end = endOfMatch(block, position + 4, candidate + 4, block.length)
    outPosition = writeLiteral(block, literalStart, position, out, outPosition)
    outPosition = writeCopies(out, outPosition, position - candidate, end - position)
    position = end
    literalStart = end
  }
  return writeLiteral(block, literalStart, block.length, out, outPosition)
}

function writePlainLength(out: Uint8Array, start: number, length: number): number {
  let position = start
  let rest = length
  for (; rest > 0x7f; rest >>>= 7) out[position++] = rest | 0x80
  out[position++] = rest
  return position
}

function writeLiteral(
  block: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outStart: number,
): number {
  const length = end - start
  if (length === 0) return outStart
  let position = outStart
  if (length <= 60) {
    out[position++] = (length - 1) << 2
  } else if (length <= 256) {
    out[position++] = 60 << 2
    out[position++] = length - 1
  } else {
    out[position++] = 61 << 2
    out[position++] = length - 1
    out[position++] = (length - 1) >> 8
  }
  copyLiterals(block, start, length, out, position)
  return position + length
}

function writeCopies(out: Uint8Array, outStart: number, distance: number, length: number): number {
  let position = outStart
  let rest = length
  while (rest > 0) {
    // A rest below 4 would not fit the short form, so the copy before it gives some away.
    const piece = rest > 64 && rest < 68 ? 60 : Math.min(rest, 64)
    if (piece < 12 && distance < 2048) {
      out[position++] = 1 | ((piece - 4) << 2) | ((distance >> 8) << 5)
      out[position++] = distance
    } else {
      out[position++] = 2 | ((piece - 1) << 2)
      out[position++] = distance
      out[position++] = distance >> 8
    }
    rest -= piece
  }
  return position
}

function malformed(trouble: string, position: number): KafkaError {
  return new KafkaError('CORRUPT_MESSAGE', `snappy data is malformed at byte ${position}: ${trouble}`)
}
