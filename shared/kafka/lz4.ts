// LZ4 frames as Kafka clients write and read them. Written: independent blocks of at most 64 KiB, no checksum
// but the header's, because the batch has its own CRC. Read: every frame of the format but those that need a
// dictionary. Decoding walks the blocks twice: first it only adds up lengths, so that the output is held
// against the bound and then allocated once, whatever the frame declares.
//
//   frame    04 22 4d 18 | FLG | BD | [content size u64] | header checksum u8
//            | { block } ... | 00000000 | [content checksum u32]               (all little-endian)
//   FLG      bits 7-6 version = 01, 5 blocks independent, 4 block checksums, 3 content size,
//            2 content checksum, 0 dictionary
//   BD       bits 6-4 largest block: 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB
//   block    length u32, top bit set = stored as it is | data | [checksum u32]

import { viewOf } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import { hashTableSize } from './lz.ts'
import { compressedSizeMax, decodeBlock, encodeBlock, plainSizeOfBlock } from './lz4Block.ts'
import { xxHash32 } from './xxhash32.ts'

const magic = 0x184d2204
const writtenFlags = 0x60
const writtenBlockDescriptor = 0x40
const writtenHeaderSize = 7
const writtenBlockSizeMax = 64 * 1024
const storedBit = 0x80000000

const flag = {
  independent: 0x20,
  blockChecksums: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  reserved: 0x03,
}

interface Frame {
  readonly flags: number
  readonly blockSizeMax: number
  readonly contentSize: number | undefined
  readonly blocksStart: number
}

interface Block {
  readonly stored: boolean
  readonly start: number
  readonly end: number
  readonly plainSize: number
}

export function compressLz4(bytes: Uint8Array): Uint8Array {
  const blockCount = Math.ceil(bytes.length / writtenBlockSizeMax)
  const out = new Uint8Array(writtenHeaderSize + compressedSizeMax(bytes.length) + blockCount * 24 + 4)
  const view = viewOf(out)
  view.setUint32(0, magic, true)
  out[4] = writtenFlags
  out[5] = writtenBlockDescriptor
  out[6] = headerChecksum(out, 6)
  const table = new Uint16Array(hashTableSize)
  let position = writtenHeaderSize
  for (let start = 0; start < bytes.length; start += writtenBlockSizeMax) {
    position = writeBlock(bytes.subarray(start, start + writtenBlockSizeMax), out, view, position, table)
  }
  return out.slice(0, position + 4)
}

export function decompressLz4(bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  const view = viewOf(bytes)
  const frame = readFrame(bytes, view)
  const { blocks, end } = readBlocks(bytes, view, frame)
  let size = 0
  for (const block of blocks) size += block.plainSize
  if (size > maxOutputBytes) {
    throw new KafkaError(
      'INVALID_RECORD',
      `lz4 data is larger than ${maxOutputBytes} bytes when decompressed`,
    )
  }
  if (frame.contentSize !== undefined && frame.contentSize !== size)
    throw malformed('the content size is wrong', 6)
  const out = new Uint8Array(size)
  let position = 0
  for (const block of blocks) {
    decodeInto(bytes, block, out, position, frame)
    position += block.plainSize
  }
  checkContent(view, frame, end, out)
  return out
}

function writeBlock(
  block: Uint8Array,
  out: Uint8Array,
  view: DataView,
  position: number,
  table: Uint16Array,
): number {
  const start = position + 4
  const end = encodeBlock(block, out, start, table)
  if (end - start < block.length) {
    view.setUint32(position, end - start, true)
    return end
  }
  out.set(block, start)
  // Clears what the failed try has written after the block, where the end mark may come to lie.
  out.fill(0, start + block.length, end)
  view.setUint32(position, (block.length | storedBit) >>> 0, true)
  return start + block.length
}

function headerChecksum(bytes: Uint8Array, end: number): number {
  return (xxHash32(bytes, 4, end) >>> 8) & 0xff
}

function readFrame(bytes: Uint8Array, view: DataView): Frame {
  if (bytes.length < 7 || view.getUint32(0, true) !== magic) throw malformed('there is no frame', 0)
  const flags = bytes[4] ?? 0
  const descriptor = bytes[5] ?? 0
  if (flags >> 6 !== 1) throw malformed('the frame is of an unknown version', 4)
  if ((flags & flag.reserved) !== 0) throw malformed('the frame needs a dictionary or an unknown feature', 4)
  const sizeCode = (descriptor >> 4) & 7
  if ((descriptor & 0x8f) !== 0 || sizeCode < 4) throw malformed('the block descriptor is unknown', 5)
  const hasSize = (flags & flag.contentSize) !== 0
  const checksumAt = hasSize ? 14 : 6
  if (bytes.length <= checksumAt) throw malformed('the frame header is truncated', bytes.length)
  if (bytes[checksumAt] !== headerChecksum(bytes, checksumAt))
    throw malformed('the header checksum is wrong', checksumAt)
  const contentSize = hasSize ? Number(view.getBigUint64(6, true)) : undefined
  return { flags, blockSizeMax: 1 << (8 + 2 * sizeCode), contentSize, blocksStart: checksumAt + 1 }
}

/** Every block before the end mark, its size added up from its sequences, and where the end mark ends. */
function readBlocks(
  bytes: Uint8Array,
  view: DataView,
  frame: Frame,
): { blocks: readonly Block[]; end: number } {
  const checksumSize = frame.flags & flag.blockChecksums ? 4 : 0
  const blocks: Block[] = []
  let position = frame.blocksStart
  for (;;) {
    if (position + 4 > bytes.length) throw malformed('the end mark is missing', bytes.length)
    const word = view.getUint32(position, true)
    const start = position + 4
    if (word === 0) return { blocks, end: start }
    const stored = (word & storedBit) !== 0
    const end = start + (word & 0x7fffffff)
    if (end + checksumSize > bytes.length) throw malformed('a block is truncated', position)
    if (checksumSize > 0 && view.getUint32(end, true) !== xxHash32(bytes, start, end)) {
      throw malformed('a block checksum is wrong', end)
    }
    const plainSize = stored ? end - start : plainSizeOfBlock(bytes, start, end)
    if (end - start > frame.blockSizeMax || plainSize > frame.blockSizeMax) {
      throw malformed('a block is larger than the frame allows', position)
    }
    blocks.push({ stored, start, end, plainSize })
    position = end + checksumSize
  }
}

function decodeInto(bytes: Uint8Array, block: Block, out: Uint8Array, position: number, frame: Frame): void {
  if (block.stored) {
    out.set(bytes.subarray(block.start, block.end), position)
    return
  }
  const matchesFrom = frame.flags & flag.independent ? position : 0
  decodeBlock(bytes, block.start, block.end, out, position, matchesFrom)
}

function checkContent(view: DataView, frame: Frame, end: number, out: Uint8Array): void {
  const hasChecksum = (frame.flags & flag.contentChecksum) !== 0
  if (view.byteLength !== end + (hasChecksum ? 4 : 0))
    throw malformed('the frame does not end with its data', end)
  if (hasChecksum && view.getUint32(end, true) !== xxHash32(out))
    throw malformed('the content checksum is wrong', end)
}

function malformed(trouble: string, position: number): KafkaError {
  return new KafkaError('CORRUPT_MESSAGE', `lz4 data is malformed at byte ${position}: ${trouble}`)
}
