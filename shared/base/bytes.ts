// Reading and writing of binary layouts: big-endian integers, zigzag varints and UTF-8, as Kafka lays them
// out. The reader takes hostile bytes: it refuses with a KafkaError that names the field and the byte
// position, never reads past its end, and refuses a 64-bit number that a JavaScript number cannot hold
// exactly.

import { type ErrorName, invariant, KafkaError } from './errors.ts'

const twoTo32 = 0x1_0000_0000

const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648's alphabet without padding; the length in bits is a multiple of 5. */
export function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
  return bits.replaceAll(/.{5}/g, (five) => base32Alphabet.charAt(Number.parseInt(five, 2)))
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The signed 64-bit integer at `position`; where the bytes hold more than 53 bits, no safe integer. */
export function readInt64(view: DataView, position: number): number {
  return view.getInt32(position) * twoTo32 + view.getUint32(position + 4)
}

export function writeInt64(view: DataView, position: number, value: number): void {
  invariant(Number.isSafeInteger(value), 'only safe integers are written as 64-bit integers')
  view.setInt32(position, Math.floor(value / twoTo32))
  view.setUint32(position + 4, value >>> 0)
}

/** Bytes of a zigzag varint that holds a signed 32-bit integer. */
export function varintSize(value: number): number {
  return unsignedVarintSize((value << 1) ^ (value >> 31))
}

function unsignedVarintSize(value: number): number {
  return ((38 - Math.clz32(value | 1)) / 7) | 0
}

/** Bytes of a zigzag varlong that holds a safe integer. */
export function varlongSize(value: number): number {
  if (isInt32(value)) return varintSize(value)
  let size = 1
  for (let rest = zigzag(value) >> 7n; rest > 0n; rest >>= 7n) size++
  return size
}

function isInt32(value: number): boolean {
  return (value | 0) === value
}

function zigzag(value: number): bigint {
  return BigInt.asUintN(64, (BigInt(value) << 1n) ^ (value < 0 ? -1n : 0n))
}

export class ByteReader {
  position: number
  readonly #bytes: Uint8Array
  readonly #end: number
  readonly #view: DataView
  readonly #code: ErrorName
  #text: Buffer | undefined

  /** Reads bytes [start, end); `code` is the error of everything that it refuses. */
  constructor(bytes: Uint8Array, code: ErrorName, start = 0, end = bytes.length) {
    invariant(start >= 0 && start <= end && end <= bytes.length, 'a reader stays within its bytes')
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#code = code
    this.#end = end
    this.position = start
  }

  get remaining(): number {
    return this.#end - this.position
  }

  int8(field: string): number {
    return this.#view.getInt8(this.#advance(1, field))
  }

  uint8(field: string): number {
    return this.#view.getUint8(this.#advance(1, field))
  }

  int16(field: string): number {
    return this.#view.getInt16(this.#advance(2, field))
  }

  int32(field: string): number {
    return this.#view.getInt32(this.#advance(4, field))
  }

  uint32(field: string): number {
    return this.#view.getUint32(this.#advance(4, field))
  }

  int64(field: string): number {
    const start = this.#advance(8, field)
    const value = readInt64(this.#view, start)
    if (!Number.isSafeInteger(value)) throw this.#refusal(field, start, 'is beyond 53 bits')
    return value
  }

  bigInt64(field: string): bigint {
    return this.#view.getBigInt64(this.#advance(8, field))
  }

  /** A zigzag varint of at most 32 bits. */
  varint(field: string): number {
    const value = this.unsignedVarint(field)
    return (value >>> 1) ^ -(value & 1)
  }

  /** An unsigned varint of at most 32 bits. */
  unsignedVarint(field: string): number {
    const start = this.position
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#nextByte(field)
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw this.#refusal(field, start, 'is a varint of more than 32 bits')
  }

  /** A zigzag varint of at most 64 bits whose value is a safe integer. */
  varlong(field: string): number {
    const start = this.position
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#nextByte(field)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    return this.#longTail(field, start, value)
  }

  bytes(length: number, field: string): Uint8Array {
    const start = this.#advance(length, field)
    return this.#bytes.subarray(start, start + length)
  }

  skipBytes(length: number, field: string): void {
    this.#advance(length, field)
  }

  /** Text in UTF-8; what is no UTF-8 becomes U+FFFD. */
  utf8(length: number, field: string): string {
    const start = this.#advance(length, field)
    this.#text ??= Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
    return this.#text.toString('utf8', start, start + length)
  }

  expectEnd(what: string): void {
    if (this.remaining > 0)
      throw this.#refusal(what, this.position, `leaves ${this.remaining} trailing bytes`)
  }

  /** The varlong's bits from 28 on: rare enough (37 hours between two timestamps) to go through bigint. */
  #longTail(field: string, start: number, low: number): number {
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#nextByte(field)
      if (shift === 63n && byte > 1) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return this.#safeInteger(field, start, (value >> 1n) ^ -(value & 1n))
    }
    throw this.#refusal(field, start, 'is a varint of more than 64 bits')
  }

  #safeInteger(field: string, start: number, value: bigint): number {
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw this.#refusal(field, start, 'is beyond 53 bits')
    return number
  }

  #nextByte(field: string): number {
    return this.#bytes[this.#advance(1, field)] ?? 0
  }

  #advance(length: number, field: string): number {
    const start = this.position
    if (length < 0) throw this.#refusal(field, start, `has the negative length ${length}`)
    if (length > this.#end - start)
      throw this.#refusal(field, start, `reaches beyond the end at ${this.#end}`)
    this.position = start + length
    return start
  }

  #refusal(field: string, position: number, trouble: string): KafkaError {
    return new KafkaError(this.#code, `${field} at byte ${position} ${trouble}`)
  }
}

/** Fills an array of exactly the right size: a size computed wrongly is a mistake of ours and stops. */
export class ByteWriter {
  position = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #text: Buffer | undefined

  constructor(size: number) {
    this.#bytes = new Uint8Array(size)
    this.#view = viewOf(this.#bytes)
  }

  int8(value: number): void {
    this.#view.setInt8(this.#advance(1), value)
  }

  int16(value: number): void {
    this.#view.setInt16(this.#advance(2), value)
  }

  int32(value: number): void {
    this.#view.setInt32(this.#advance(4), value)
  }

  uint32(value: number): void {
    this.#view.setUint32(this.#advance(4), value)
  }

  int64(value: number): void {
    writeInt64(this.#view, this.#advance(8), value)
  }

  bigInt64(value: bigint): void {
    this.#view.setBigInt64(this.#advance(8), value)
  }

  varint(value: number): void {
    this.unsignedVarint((value << 1) ^ (value >> 31))
  }

  unsignedVarint(value: number): void {
    let rest = value >>> 0
    for (; rest > 0x7f; rest >>>= 7) this.#byte(rest | 0x80)
    this.#byte(rest)
  }

  varlong(value: number): void {
    if (isInt32(value)) {
      this.varint(value)
      return
    }
    let rest = zigzag(value)
    for (; rest > 0x7fn; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80)
    this.#byte(Number(rest))
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#advance(bytes.length))
  }

  /** `size` is the text's size in UTF-8, which the caller knows from having computed the array's. */
  utf8(text: string, size: number): void {
    this.#text ??= Buffer.from(this.#bytes.buffer)
    const written = this.#text.write(text, this.#advance(size), size, 'utf8')
    invariant(written === size, 'the size of a text is its size in UTF-8')
  }

  finish(): Uint8Array {
    invariant(this.position === this.#bytes.length, 'a writer fills its array')
    return this.#bytes
  }

  /** What was written so far, where the size given was a bound and not the exact size. */
  written(): Uint8Array {
    return this.#bytes.slice(0, this.position)
  }

  #byte(value: number): void {
    this.#bytes[this.#advance(1)] = value
  }

  #advance(length: number): number {
    const start = this.position
    this.position = start + length
    invariant(this.position <= this.#bytes.length, 'a writer stays within its array')
    return start
  }
}
