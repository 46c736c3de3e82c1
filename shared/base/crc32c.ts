// CRC-32C (Castagnoli), the checksum of record batches and of our own stored blocks. Slicing by 16: sixteen
// tables of 256 entries let one step take sixteen bytes, which is what brings plain JavaScript near the speed
// of memory.

const slices = 16
const tables = buildTables()

/** The checksum of bytes [start, end), as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1
  let position = start
  if (end - start >= slices) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const lastStep = end - slices
    for (; position <= lastStep; position += slices) crc = step(crc, view, position)
  }
  for (; position < end; position++) {
    crc = slice(0, (crc ^ (bytes[position] ?? 0)) & 0xff) ^ (crc >>> 8)
  }
  return ~crc >>> 0
}

function step(crc: number, view: DataView, position: number): number {
  const a = view.getInt32(position, true) ^ crc
  const b = view.getInt32(position + 4, true)
  const c = view.getInt32(position + 8, true)
  const d = view.getInt32(position + 12, true)
  return foldWord(15, a) ^ foldWord(11, b) ^ foldWord(7, c) ^ foldWord(3, d)
}

function foldWord(table: number, word: number): number {
  return (
    slice(table, word & 0xff) ^
    slice(table - 1, (word >>> 8) & 0xff) ^
    slice(table - 2, (word >>> 16) & 0xff) ^
    slice(table - 3, word >>> 24)
  )
}

function slice(table: number, index: number): number {
  return tables[(table << 8) | index] ?? 0
}

function buildTables(): Int32Array {
  const built = new Int32Array(slices * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
    built[byte] = crc
  }
  for (let index = 256; index < built.length; index++) {
    const before = built[index - 256] ?? 0
    built[index] = (before >>> 8) ^ (built[before & 0xff] ?? 0)
  }
  return built
}
