// What Snappy and LZ4 share: loading four bytes for the hash of the match finder, and the copy of a match,
// whose source may overlap its target (that is how both formats write runs).

const hashBits = 14
export const hashTableSize = 1 << hashBits

export function loadWord(bytes: Uint8Array, position: number): number {
  return (
    (bytes[position] ?? 0) |
    ((bytes[position + 1] ?? 0) << 8) |
    ((bytes[position + 2] ?? 0) << 16) |
    ((bytes[position + 3] ?? 0) << 24)
  )
}

export function hashWord(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - hashBits)
}

/** The end of the match of which `position` and `candidate` begin equal stretches. */
export function endOfMatch(bytes: Uint8Array, position: number, candidate: number, limit: number): number {
  let end = position
  let other = candidate
  while (end < limit && bytes[end] === bytes[other]) {
    end++
    other++
  }
  return end
}

export function copyLiterals(
  from: Uint8Array,
  start: number,
  length: number,
  to: Uint8Array,
  position: number,
): void {
  if (length > 64) {
    to.set(from.subarray(start, start + length), position)
    return
  }
  for (let index = 0; index < length; index++) to[position + index] = from[start + index] ?? 0
}

/** Copies `length` bytes that begin `distance` before `position` to `position`. */
export function copyMatch(bytes: Uint8Array, position: number, distance: number, length: number): void {
  const start = position - distance
  if (distance >= length && length > 64) {
    bytes.copyWithin(position, start, start + length)
    return
  }
  if (length > longRun) {
    copyRun(bytes, position, distance, length)
    return
  }
  for (let index = 0; index < length; index++) bytes[position + index] = bytes[start + index] ?? 0
}

/** From here on some large copies are faster than many of one byte. */
const longRun = 512

/** What is there is repeated, then twice as much, and so on: whole periods but for the last. */
function copyRun(bytes: Uint8Array, position: number, distance: number, length: number): void {
  bytes.copyWithin(position, position - distance, position)
  for (let copied = distance; copied < length; copied *= 2) {
    bytes.copyWithin(position + copied, position, position + Math.min(copied, length - copied))
  }
}
