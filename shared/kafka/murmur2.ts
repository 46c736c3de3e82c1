// Kafka's default partitioner for keys: murmur2 with Kafka's seed, sign bit cleared, modulo the number of
// partitions. Every client computes the same, so a key stays on its partition whoever produces it.

import { viewOf } from '../base/bytes.ts'

const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/** The hash as Kafka computes it: a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const view = viewOf(bytes)
  const wholeWords = bytes.length & ~3
  let hash = seed ^ bytes.length
  for (let position = 0; position < wholeWords; position += 4) {
    hash = Math.imul(hash, multiplier) ^ mixWord(view.getInt32(position, true))
  }
  if (wholeWords < bytes.length) hash = Math.imul(hash ^ lastBytes(bytes, wholeWords), multiplier)
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

/** An empty key is hashed like any other; a null key has no partition of its own. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}

function mixWord(word: number): number {
  const mixed = Math.imul(word, multiplier)
  return Math.imul(mixed ^ (mixed >>> 24), multiplier)
}

/** The one to three bytes after the last whole word, little-endian. */
function lastBytes(bytes: Uint8Array, start: number): number {
  let word = 0
  for (let position = bytes.length - 1; position >= start; position--)
    word = (word << 8) | (bytes[position] ?? 0)
  return word
}
