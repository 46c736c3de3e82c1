// Bytes that come in parts of any size, joined at the cost of their number: memory doubles as it fills, so
// that a thousand parts of one byte are a thousand bytes and not a thousand arrays.

export interface GrowingBytes {
  append(part: Uint8Array): void
  length(): number
  /** Everything appended since the last take; the memory is the caller's from then on. */
  take(): Uint8Array
}

const smallest = 1024

export function createGrowingBytes(): GrowingBytes {
  let bytes = new Uint8Array(0)
  let length = 0
  const grow = (needed: number): void => {
    const larger = Buffer.allocUnsafeSlow(Math.max(smallest, bytes.length * 2, needed))
    larger.set(bytes.subarray(0, length))
    bytes = larger
  }
  return {
    append(part) {
      if (length + part.length > bytes.length) grow(length + part.length)
      bytes.set(part, length)
      length += part.length
    },
    length: () => length,
    take() {
      const taken = bytes.subarray(0, length)
      bytes = new Uint8Array(0)
      length = 0
      return taken
    },
  }
}
