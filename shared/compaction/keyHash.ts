// What the offset map keeps of a key: 124 bits under a secret that each map draws anew. Two keys that it took for one
// would lose a record, and who writes to a topic is not always who may lose what is in it: without the secret nobody
// can look for such a pair, and any two keys have the same hash with a chance of 2^-124.
//
// Up to 256 bytes it is a multilinear hash: pairs of bytes times secret coefficients, summed modulo the prime 2^31 - 1,
// four times over with coefficients of their own; the length is one term more. Sums stay below 2^53, where doubles are
// exact. Of longer keys it takes SHA-256.

import { createHash } from 'node:crypto'
import type { Random } from '../ports/world.ts'

const prime = 2 ** 31 - 1
const lanes = 4
const bytesMax = 256
const terms = bytesMax / 2 + 1
/** Terms are below 2^47: so many of them fit beside a remainder. */
const termsBetweenRemainders = 32

/** The hash of bytes [start, end) as four words, written into `words` from `to` on. */
export type HashKey = (bytes: Uint8Array, start: number, end: number, words: Int32Array, to: number) => void

export function createKeyHash(random: Random): HashKey {
  const drawn = Buffer.from(random.bytes(terms * lanes * 4))
  const secret = Float64Array.from({ length: terms * lanes }, (_, i) => drawn.readUInt32LE(i * 4) % prime)
  const [first = 0, second = 0, third = 0, fourth = 0] = secret.subarray((terms - 1) * lanes)

  return (bytes, start, end, words, to) => {
    const length = end - start
    if (length > bytesMax) return hashLong(bytes.subarray(start, end), words, to)
    let h1 = length * first
    let h2 = length * second
    let h3 = length * third
    let h4 = length * fourth
    let coefficient = 0
    for (let at = start; at < end; at += 2) {
      const term = (bytes[at] ?? 0) + (at + 1 < end ? (bytes[at + 1] ?? 0) * 256 : 0)
      h1 += term * (secret[coefficient] ?? 0)
      h2 += term * (secret[coefficient + 1] ?? 0)
      h3 += term * (secret[coefficient + 2] ?? 0)
      h4 += term * (secret[coefficient + 3] ?? 0)
      coefficient += lanes
      if (coefficient % (termsBetweenRemainders * lanes) !== 0) continue
      h1 = remainder(h1)
      h2 = remainder(h2)
      h3 = remainder(h3)
      h4 = remainder(h4)
    }
    h2 = remainder(h2)
    // The first word chooses the slot, so its bits are mixed; with the second one it still tells the first apart.
    words[to] = avalanched(remainder(h1) + Math.imul(h2, 0x9e3779b1))
    words[to + 1] = h2
    words[to + 2] = remainder(h3)
    words[to + 3] = remainder(h4)
  }
}

/** Quicker than %, and exact: the quotient is off by one at most. */
function remainder(sum: number): number {
  const left = sum - Math.floor(sum / prime) * prime
  return left < 0 ? left + prime : left >= prime ? left - prime : left
}

function hashLong(bytes: Uint8Array, words: Int32Array, to: number): void {
  const digest = createHash('sha256').update(bytes).digest()
  for (let word = 0; word < lanes; word++) words[to + word] = digest.readInt32LE(word * 4)
}

/** The finalizer of MurmurHash3: every bit of the argument has its say in every bit of the result. */
function avalanched(word: number): number {
  const first = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return second ^ (second >>> 16)
}
