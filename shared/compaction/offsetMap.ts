// The latest offset of each key, in bounded memory: 24 bytes a key, 16 of them a hash of it (Kafka's SkimpyOffsetMap).
// Open addressing; it is full at nine tenths, before probing gets long.

import { hash } from 'node:crypto'

export interface OffsetMap {
  /** false: the map is full and does not know the key; nothing was changed. */
  put(key: Uint8Array, offset: number): boolean
  get(key: Uint8Array): number | undefined
  readonly size: () => number
}

const wordsPerKey = 4

export function createOffsetMap(entriesMax: number): OffsetMap {
  const slots = Math.ceil(entriesMax / 0.9) + 1
  const hashes = new Int32Array(slots * wordsPerKey)
  const offsets = new Float64Array(slots).fill(-1)
  let size = 0

  /** The slot of the key, or the free one where it would go. */
  const find = (words: Int32Array): number => {
    for (let slot = (words[0] ?? 0) >>> 0; ; slot++) {
      const at = slot % slots
      if (offsets[at] === -1 || isSame(hashes, at * wordsPerKey, words)) return at
    }
  }

  return {
    put(key, offset) {
      const words = hashOf(key)
      const slot = find(words)
      if (offsets[slot] === -1) {
        if (size >= entriesMax) return false
        hashes.set(words, slot * wordsPerKey)
        size++
      }
      offsets[slot] = offset
      return true
    },
    get(key) {
      const offset = offsets[find(hashOf(key))]
      return offset === -1 ? undefined : offset
    },
    size: () => size,
  }
}

const digestBytes = Buffer.alloc(32)
const digestWords = new Int32Array(digestBytes.buffer, digestBytes.byteOffset, wordsPerKey)

/** Good until the next one: a million digests must not become a million pieces of memory. */
function hashOf(key: Uint8Array): Int32Array {
  digestBytes.write(hash('sha256', key, 'binary'), 'binary')
  return digestWords
}

function isSame(hashes: Int32Array, at: number, words: Int32Array): boolean {
  for (let i = 0; i < wordsPerKey; i++) if (hashes[at + i] !== words[i]) return false
  return true
}
