// Cuts a body of concatenated JSON objects into its objects while it comes in, in chunks split anywhere.
// Only nesting is looked at here: what is inside an object's braces is for JSON.parse to accept.
// Refuses whatever stands between objects but white space, an array around them, an object nested too deep
// or left open at the end: BAD_REQUEST with the byte position and how many objects came before. An object
// that is too large is skipped without being kept, and said to be.

import { KafkaError } from '../../base/errors.ts'
import { createGrowingBytes } from './growingBytes.ts'

export type StreamedObject =
  | { readonly kind: 'object'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'oversize'; readonly position: number; readonly size: number }

export interface ObjectSplitter {
  /** The objects that end in this chunk; bytes are views on it where an object lies within it. */
  push(chunk: Uint8Array): Generator<StreamedObject>
  /** Refuses an object that is still open. */
  end(): void
  /** Bytes kept of an object that is still open. */
  heldBytes(): number
  isInsideObject(): boolean
}

export interface SplitterLimits {
  readonly objectBytesMax: number
  readonly depthMax: number
}

const quote = 0x22
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

export function createObjectSplitter(limits: SplitterLimits): ObjectSplitter {
  const braces = createBraces(limits.depthMax)
  const kept = createKeptObject(limits.objectBytesMax)
  let objects = 0
  /** Bytes of the chunks before this one. */
  let consumed = 0
  /** Where the open object begins. */
  let position = 0

  const refuse = (at: number, trouble: string): never => {
    throw new KafkaError('BAD_REQUEST', `malformed JSON at byte ${at}: ${trouble}, after ${objects} records`)
  }

  const openAt = (chunk: Uint8Array, at: number): void => {
    position = consumed + at
    if (chunk[at] === openBracket) refuse(position, 'records are concatenated, not an array')
    if (chunk[at] !== openBrace) refuse(position, 'an object was expected')
  }

  /** The end of the object within the chunk, or the chunk's, and whether the object ended. */
  const closeIn = (chunk: Uint8Array, from: number): { end: number; closed: boolean } => {
    const end = braces.closeIn(chunk, from)
    if (braces.tooDeep()) refuse(position, `it is nested deeper than ${limits.depthMax}`)
    return { end, closed: !braces.isOpen() }
  }

  return {
    *push(chunk) {
      for (let at = braces.isOpen() ? 0 : skipSpace(chunk, 0); at < chunk.length; ) {
        if (!braces.isOpen()) openAt(chunk, at)
        const { end, closed } = closeIn(chunk, at)
        const part = chunk.subarray(at, end)
        at = skipSpace(chunk, end)
        if (!closed) kept.keep(part)
        else {
          objects++
          yield { position, ...kept.finish(part) }
        }
      }
      consumed += chunk.length
    },
    end() {
      if (braces.isOpen()) refuse(position, 'the object that begins there does not end')
    },
    heldBytes: kept.heldBytes,
    isInsideObject: braces.isOpen,
  }
}

/** Follows the nesting of one object after the other, over chunks; braces in strings do not count. */
function createBraces(depthMax: number) {
  let depth = 0
  let insideString = false
  let escaped = false

  /** Where the string ends in the chunk: its closing quote, or the chunk's end. */
  const skipString = (chunk: Uint8Array, from: number): number => {
    let at = escaped ? from + 1 : from
    while (at < chunk.length && chunk[at] !== quote) at += chunk[at] === backslash ? 2 : 1
    escaped = at > chunk.length
    insideString = at >= chunk.length
    return Math.min(at, chunk.length)
  }

  return {
    isOpen: () => depth > 0,
    tooDeep: () => depth > depthMax,
    /** Behind the byte that closes the object, or the chunk's end, or where it gets too deep. */
    closeIn(chunk: Uint8Array, from: number): number {
      for (let at = from; at < chunk.length; at++) {
        if (insideString) {
          at = skipString(chunk, at)
          continue
        }
        const byte = chunk[at]
        if (byte === quote) insideString = true
        else if (byte === openBrace || byte === openBracket) depth++
        else if (byte === closeBrace || byte === closeBracket) depth--
        if (depth === 0 || depth > depthMax) return at + 1
      }
      return chunk.length
    },
  }
}

/** The bytes of the open object over chunks; of an oversize one only their number. */
function createKeptObject(bytesMax: number) {
  const held = createGrowingBytes()
  let size = 0
  const keep = (part: Uint8Array): void => {
    size += part.length
    if (size <= bytesMax) held.append(part)
    else held.take()
  }
  return {
    keep,
    heldBytes: held.length,
    finish(last: Uint8Array): { kind: 'object'; bytes: Uint8Array } | { kind: 'oversize'; size: number } {
      const isWhole = size === 0
      if (isWhole) size = last.length
      else keep(last)
      const objectSize = size
      const bytes = held.take()
      size = 0
      if (objectSize > bytesMax) return { kind: 'oversize', size: objectSize }
      return { kind: 'object', bytes: isWhole ? last : bytes }
    },
  }
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && isSpace(bytes[at] ?? 0)) at++
  return at
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
