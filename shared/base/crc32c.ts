// CRC-32C (Castagnoli), the checksum of record batches and of our own stored blocks, in plain JavaScript. Slicing by
// 8: eight tables of 256 entries let one step take eight bytes. A step waits for the one before it, so that long input
// goes through two lanes side by side, whose checksums are then joined: the processor works on both at once.

const slices = 8
const tables = buildTables()
const laneBytes = 1024
const laneShift = buildShift(laneBytes)

/** The checksum of bytes [start, end), as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1
  let position = start
  if (end - start >= slices) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (; position <= end - 2 * laneBytes; position += 2 * laneBytes) crc = twoLanes(crc, view, position)
    for (; position <= end - slices; position += slices) crc = step(crc, view, position)
  }
  for (; position < end; position++) {
    crc = (tables[(crc ^ (bytes[position] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  }
  return ~crc >>> 0
}

/** The second lane begins at 0, as the checksum is linear: the first one is shifted by its length and added. */
function twoLanes(crc: number, view: DataView, start: number): number {
  let first = crc
  let second = 0
  for (let position = start; position < start + laneBytes; position += slices) {
    first = step(first, view, position)
    second = step(second, view, position + laneBytes)
  }
  return shifted(first) ^ second
}

/** In one piece, because the engine inlines only so much. */
function step(crc: number, view: DataView, position: number): number {
  const a = view.getInt32(position, true) ^ crc
  const b = view.getInt32(position + 4, true)
  return (
    (tables[1792 | (a & 0xff)] ?? 0) ^
    (tables[1536 | ((a >>> 8) & 0xff)] ?? 0) ^
    (tables[1280 | ((a >>> 16) & 0xff)] ?? 0) ^
    (tables[1024 | (a >>> 24)] ?? 0) ^
    (tables[768 | (b & 0xff)] ?? 0) ^
    (tables[512 | ((b >>> 8) & 0xff)] ?? 0) ^
    (tables[256 | ((b >>> 16) & 0xff)] ?? 0) ^
    (tables[b >>> 24] ?? 0)
  )
}

/** What the checksum becomes when `laneBytes` zeros follow. */
function shifted(crc: number): number {
  return (
    (laneShift[crc & 0xff] ?? 0) ^
    (laneShift[256 | ((crc >>> 8) & 0xff)] ?? 0) ^
    (laneShift[512 | ((crc >>> 16) & 0xff)] ?? 0) ^
    (laneShift[768 | (crc >>> 24)] ?? 0)
  )
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

/** For each byte of a checksum its share in the shifted one, put together from those of its bits. */
function buildShift(zeros: number): Int32Array {
  const built = new Int32Array(4 * 256)
  for (let bit = 0; bit < 32; bit++) {
    let crc = 1 << bit
    for (let i = 0; i < zeros; i++) crc = (tables[crc & 0xff] ?? 0) ^ (crc >>> 8)
    const table = (bit >> 3) << 8
    for (let byte = 0; byte < 256; byte++) {
      if (byte & (1 << (bit & 7))) built[table | byte] = (built[table | byte] ?? 0) ^ crc
    }
  }
  return built
}
