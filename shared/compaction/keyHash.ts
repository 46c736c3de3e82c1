// MurmurHash3, x86, 128 bits: what the offset map keeps of a key. Two keys that it takes for one would lose a record;
// among a million keys the chance of such a pair is below 10^-26. It is no secret: whoever can make a second key with
// the hash of a first one may as well write the first.

const c1 = 0x239b961b
const c2 = 0xab0e9789
const c3 = 0x38b34ae5
const c4 = 0xa1e38b93

/** The hash of bytes [start, end) as four words, written into `words` from `to` on. */
export function hashKey(bytes: Uint8Array, start: number, end: number, words: Int32Array, to: number): void {
  let h1 = 0
  let h2 = 0
  let h3 = 0
  let h4 = 0
  let at = start
  for (; at + 16 <= end; at += 16) {
    h1 ^= mixed(word(bytes, at), c1, 15, c2)
    h1 = (Math.imul(rotated(h1, 19) + h2, 5) + 0x561ccd1b) | 0
    h2 ^= mixed(word(bytes, at + 4), c2, 16, c3)
    h2 = (Math.imul(rotated(h2, 17) + h3, 5) + 0x0bcaa747) | 0
    h3 ^= mixed(word(bytes, at + 8), c3, 17, c4)
    h3 = (Math.imul(rotated(h3, 15) + h4, 5) + 0x96cd1c35) | 0
    h4 ^= mixed(word(bytes, at + 12), c4, 18, c1)
    h4 = (Math.imul(rotated(h4, 13) + h1, 5) + 0x32ac3b17) | 0
  }
  if (at + 12 < end) h4 ^= mixed(lastWord(bytes, at + 12, end), c4, 18, c1)
  if (at + 8 < end) h3 ^= mixed(lastWord(bytes, at + 8, end), c3, 17, c4)
  if (at + 4 < end) h2 ^= mixed(lastWord(bytes, at + 4, end), c2, 16, c3)
  if (at < end) h1 ^= mixed(lastWord(bytes, at, end), c1, 15, c2)
  const length = end - start
  const sum = ((h1 ^ length) + (h2 ^ length) + (h3 ^ length) + (h4 ^ length)) | 0
  h2 = avalanched((h2 ^ length) + sum)
  h3 = avalanched((h3 ^ length) + sum)
  h4 = avalanched((h4 ^ length) + sum)
  h1 = (avalanched(sum) + h2 + h3 + h4) | 0
  words[to] = h1
  words[to + 1] = h2 + h1
  words[to + 2] = h3 + h1
  words[to + 3] = h4 + h1
}

const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)

/** Of one to four bytes; what is beyond the end counts as 0. */
function lastWord(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) return word(bytes, at)
  let value = bytes[at] ?? 0
  if (at + 1 < end) value |= (bytes[at + 1] ?? 0) << 8
  if (at + 2 < end) value |= (bytes[at + 2] ?? 0) << 16
  return value
}

const mixed = (value: number, first: number, bits: number, second: number): number =>
  Math.imul(rotated(Math.imul(value, first), bits), second)

const rotated = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

function avalanched(hash: number): number {
  const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return second ^ (second >>> 16)
}
