// The latest offset of each key, in bounded memory: 24 bytes a key, 16 of them a hash of it (Kafka's SkimpyOffsetMap).
// Open addressing; it is full at nine tenths, before probing gets long. A slot:
//
//   4 words  hash of the key
//   2 words  offset + 1, high and low: a free slot is all zeros, and takes no memory until it is written to

import type { Random } from '../ports/world.ts'
import { createKeyHash } from './keyHash.ts'

/** The key is bytes [start, end): a view for each of a million keys would cost more than the map. */
export interface OffsetMap {
  /** false: the map is full and does not know the key; nothing was changed. */
  put(bytes: Uint8Array, start: number, end: number, offset: number): boolean
  /** -1: it does not know the key. */
  get(bytes: Uint8Array, start: number, end: number): number
  readonly size: () => number
}

const wordsPerHash = 4
const wordsPerSlot = wordsPerHash + 2
const twoTo32 = 2 ** 32
/** The slots lie anywhere in the memory: looked for one right after the other, they are waited for together. */
const waitingMax = 64

export function createOffsetMap(entriesMax: number, random: Random): OffsetMap {
  const hashKey = createKeyHash(random)
  const slots = Math.ceil(entriesMax / 0.9) + 1
  const words = new Int32Array(slots * wordsPerSlot)
  const hashes = new Int32Array(waitingMax * wordsPerHash)
  const offsets = new Float64Array(waitingMax)
  let waiting = 0
  let size = 0

  const offsetAt = (slot: number): number =>
    (words[slot + 4] ?? 0) * twoTo32 + ((words[slot + 5] ?? 0) >>> 0) - 1

  /** The slot of the key, or the free one where it would go, as the index of its first word. */
  const find = (hash: number): number => {
    const first = hashes[hash] ?? 0
    for (let slot = Math.floor(((first >>> 0) / twoTo32) * slots) * wordsPerSlot; ; slot += wordsPerSlot) {
      if (slot === words.length) slot = 0
      if (words[slot] === first && isSame(words, slot, hashes, hash)) return slot
      if (offsetAt(slot) < 0) return slot
    }
  }

  const settle = (): void => {
    for (let i = 0; i < waiting; i++) {
      const hash = i * wordsPerHash
      const slot = find(hash)
      if (offsetAt(slot) < 0) {
        for (let word = 0; word < wordsPerHash; word++) words[slot + word] = hashes[hash + word] ?? 0
        size++
      }
      const stored = (offsets[i] ?? 0) + 1
      words[slot + 4] = Math.floor(stored / twoTo32)
      words[slot + 5] = stored
    }
    waiting = 0
  }

  return {
    put(bytes, start, end, offset) {
      const mayBeFull = size + waiting >= entriesMax
      if (mayBeFull || waiting === waitingMax) settle()
      hashKey(bytes, start, end, hashes, waiting * wordsPerHash)
      if (size >= entriesMax && offsetAt(find(0)) < 0) return false
      offsets[waiting++] = offset
      return true
    },
    get(bytes, start, end) {
      settle()
      hashKey(bytes, start, end, hashes, 0)
      return offsetAt(find(0))
    },
    size() {
      settle()
      return size
    },
  }
}

const isSame = (words: Int32Array, slot: number, hashes: Int32Array, hash: number): boolean =>
  words[slot + 1] === hashes[hash + 1] &&
  words[slot + 2] === hashes[hash + 2] &&
  words[slot + 3] === hashes[hash + 3]
