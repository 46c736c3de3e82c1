// xxHash32 with seed 0: the checksum inside LZ4 frames.

import { viewOf } from '../base/bytes.ts'

const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

/** The hash of bytes [start, end), as an unsigned 32-bit number. */
export function xxHash32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const view = viewOf(bytes)
  const length = end - start
  const striped = length & ~15
  let hash = (length >= 16 ? hashStripes(view, start, start + striped) : prime5) + length
  let position = start + striped
  for (; position + 4 <= end; position += 4) {
    hash = Math.imul(rotate(hash + Math.imul(view.getInt32(position, true), prime3), 17), prime4)
  }
  for (; position < end; position++) {
    hash = Math.imul(rotate(hash + Math.imul(bytes[position] ?? 0, prime5), 11), prime1)
  }
  return finish(hash)
}

function hashStripes(view: DataView, start: number, end: number): number {
  let a = (prime1 + prime2) | 0
  let b = prime2 | 0
  let c = 0
  let d = -prime1 | 0
  for (let position = start; position < end; position += 16) {
    a = round(a, view.getInt32(position, true))
    b = round(b, view.getInt32(position + 4, true))
    c = round(c, view.getInt32(position + 8, true))
    d = round(d, view.getInt32(position + 12, true))
  }
  return (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, prime2)) | 0, 13), prime1)
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 15), prime2)
  mixed = Math.imul(mixed ^ (mixed >>> 13), prime3)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
