// The codecs of a record batch, by the low three bits of its attributes. Decompression takes hostile bytes:
// it refuses what is malformed and stops at the caller's bound while it decompresses, whatever sizes the data
// declares.

import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { viewOf } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import { compressLz4, decompressLz4 } from './lz4.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'

/** In the order of their numbers. */
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type Codec = (typeof codecs)[number]

const codecMask = 0b111
const chunkBytesMin = 64 * 1024
/** Window of zstd's levels up to 19 (8 MiB), and of its largest (128 MiB). */
const zstdWindowLog = { least: 23, most: 27 }

export function codecOf(attributes: number): Codec {
  const codec = codecs[attributes & codecMask]
  if (codec === undefined) {
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `there is no compression codec ${attributes & codecMask}`,
    )
  }
  return codec
}

export function codecBits(codec: Codec): number {
  return codecs.indexOf(codec)
}

/** `level` matters to gzip and zstd; snappy has none, and lz4 is always written at one effort. */
export function compress(codec: Codec, bytes: Uint8Array, level?: number): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return plain(gzipSync(bytes, { chunkSize: boundOf(bytes), ...(level === undefined ? {} : { level }) }))
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return compressLz4(bytes)
    case 'zstd': {
      const params = level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level }
      return plain(zstdCompressSync(bytes, { chunkSize: boundOf(bytes), params }))
    }
  }
}

export function decompress(codec: Codec, bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  switch (codec) {
    case 'none':
      return bounded(codec, bytes, maxOutputBytes)
    case 'gzip':
      return inflate(codec, bytes, maxOutputBytes, (maxOutputLength) =>
        gunzipSync(bytes, {
          chunkSize: roomFor(gzipContentBytes(bytes), maxOutputLength),
          maxOutputLength,
          info: true,
        }),
      )
    case 'snappy':
      return decompressSnappy(bytes, maxOutputBytes)
    case 'lz4':
      return decompressLz4(bytes, maxOutputBytes)
    case 'zstd': {
      const guess = ratioGuessed * bytes.length
      const params = { [constants.ZSTD_d_windowLogMax]: windowLogFor(maxOutputBytes) }
      return inflate(codec, bytes, maxOutputBytes, (maxOutputLength) =>
        zstdDecompressSync(bytes, {
          chunkSize: roomFor(zstdContentBytes(bytes) ?? guess, maxOutputLength),
          maxOutputLength,
          params,
          info: true,
        }),
      )
    }
  }
}

/**
 * zlib gathers its output in chunks and copies them into one at the end. One chunk with room for all of it needs no
 * copy, and no garbage as large again. A size that the data declares is a hint: wrong ones cost more chunks, or memory
 * that is never touched.
 */
const roomFor = (contentBytes: number, maxOutputBytes: number): number =>
  Math.max(chunkBytesMin, Math.min(contentBytes, maxOutputBytes) + 1)

/** Where a writer did not know it: what logs and JSON come to, and some room. */
const ratioGuessed = 8

/** Both codecs store what they cannot compress, with a few bytes for each block. */
const boundOf = (bytes: Uint8Array): number => bytes.length + (bytes.length >> 8) + 1024

/** The last four bytes of a member. */
const gzipContentBytes = (bytes: Uint8Array): number =>
  bytes.length < 4 ? 0 : viewOf(bytes).getUint32(bytes.length - 4, true)

/**
 * Of a zstd frame: magic u32; descriptor u8: 6-7 size of the content size, 5 single segment, 0-1 size of the dictionary
 * id; window u8 unless single segment; dictionary id; content size. undefined: it is not there.
 */
function zstdContentBytes(bytes: Uint8Array): number | undefined {
  const view = viewOf(bytes)
  const descriptor = bytes[4] ?? 0
  const isSingle = (descriptor & 0x20) !== 0
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0)
  if (sizeBytes === 0 || at + sizeBytes > bytes.length) return undefined
  if (sizeBytes === 1) return view.getUint8(at)
  if (sizeBytes === 2) return view.getUint16(at, true) + 256
  return sizeBytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
}

/** The window is memory too: no larger than the bound asks for, but enough for the usual levels. */
function windowLogFor(maxOutputBytes: number): number {
  const needed = Math.ceil(Math.log2(maxOutputBytes + 1))
  return Math.min(Math.max(needed, zstdWindowLog.least), zstdWindowLog.most)
}

/** Runs zlib with `info`: it passes over what follows the first zstd frame, where other readers read on. */
function inflate(
  codec: Codec,
  bytes: Uint8Array,
  maxOutputBytes: number,
  run: (maxOutputLength: number) => unknown,
): Uint8Array {
  try {
    // zlib takes no bound below 1.
    const { output, consumed } = parseInfo(run(Math.max(1, maxOutputBytes)))
    if (consumed !== bytes.length) {
      throw new KafkaError('CORRUPT_MESSAGE', `${codec} data ends at byte ${consumed} and more bytes follow`)
    }
    return bounded(codec, output, maxOutputBytes)
  } catch (error) {
    throw refusal(codec, maxOutputBytes, error)
  }
}

/** What zlib answers with `info`, which its types leave out. */
function parseInfo(result: unknown): { output: Uint8Array; consumed: number } {
  if (typeof result === 'object' && result !== null && 'buffer' in result && 'engine' in result) {
    const { buffer, engine } = result
    const consumed =
      typeof engine === 'object' && engine !== null && 'bytesWritten' in engine && engine.bytesWritten
    if (buffer instanceof Uint8Array && typeof consumed === 'number')
      return { output: plain(buffer), consumed }
  }
  throw new Error('zlib has answered without the info that it was asked for')
}

function bounded(codec: Codec, bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  if (bytes.length > maxOutputBytes) throw tooLarge(codec, maxOutputBytes)
  return bytes
}

function refusal(codec: Codec, maxOutputBytes: number, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof KafkaError || !('code' in error)) return error
  if (error.code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(codec, maxOutputBytes)
  return new KafkaError('CORRUPT_MESSAGE', `${codec} data is malformed (${String(error.code)})`)
}

function tooLarge(codec: Codec, maxOutputBytes: number): KafkaError {
  return new KafkaError(
    'INVALID_RECORD',
    `${codec} data is larger than ${maxOutputBytes} bytes when decompressed`,
  )
}

/** The same bytes without Buffer's methods, whose `slice` means something else. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
