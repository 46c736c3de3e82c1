// Where a record goes. With a key: Kafka's default, murmur2 with Kafka's seed, sign bit cleared, modulo the number of
// partitions, so that every client of Kafka sends a key to the same place. Without: they stay together until their
// batch is closed and go elsewhere then, which makes few large batches out of many small records.

const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/** The hash as Kafka computes it: a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wholeWords = bytes.length & ~3
  let hash = seed ^ bytes.length
  for (let position = 0; position < wholeWords; position += 4) {
    const mixed = Math.imul(view.getInt32(position, true), multiplier)
    hash = Math.imul(hash, multiplier) ^ Math.imul(mixed ^ (mixed >>> 24), multiplier)
  }
  if (wholeWords < bytes.length) {
    let word = 0
    for (let position = bytes.length - 1; position >= wholeWords; position--) {
      word = (word << 8) | view.getUint8(position)
    }
    hash = Math.imul(hash ^ word, multiplier)
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

/** An empty key is hashed like any other; a null key has no partition of its own. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}

/** One of the partitions but `last`, each as likely as the others; `random` in [0, 1). */
export function anotherPartition(random: number, partitionCount: number, last: number | undefined): number {
  if (last === undefined || last >= partitionCount || partitionCount === 1) {
    return Math.floor(random * partitionCount)
  }
  const picked = Math.floor(random * (partitionCount - 1))
  return picked < last ? picked : picked + 1
}
