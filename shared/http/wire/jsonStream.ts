// Cuts a body of concatenated JSON objects into its objects while it comes in, in chunks split anywhere.
// Only nesting is looked at here: what is inside an object's braces is for JSON.parse to accept.
// Refuses whatever stands between objects but white space, an array around them, an object nested too deep or left
// open at the end: BAD_REQUEST with the byte position and how many objects came before. An object that is too large is
// skipped without being kept, and said to be.

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
  let depth = 0
  let insideString = false
  let escaped = false
  let objects = 0
  /** Bytes of the chunks before this one. */
  let consumed = 0
  let position = 0
  const held = createGrowingBytes()
  /** Bytes of the open object up to this chunk; those beyond objectBytesMax are not kept. */
  let heldBytes = 0

  const refuse = (at: number, trouble: string): never => {
    throw new KafkaError('BAD_REQUEST', `malformed JSON at byte ${at}: ${trouble}, after ${objects} records`)
  }

  const stepInString = (byte: number): void => {
    if (escaped) escaped = false
    else if (byte === backslash) escaped = true
    else if (byte === quote) insideString = false
  }

  /** One byte inside an object and outside its strings; true when it ends the object. */
  const step = (byte: number): boolean => {
    if (byte === quote) insideString = true
    else if (byte === openBrace || byte === openBracket) depth++
    else if (byte === closeBrace || byte === closeBracket) depth--
    if (depth > limits.depthMax) refuse(position, `it is nested deeper than ${limits.depthMax}`)
    return depth === 0
  }

  const keep = (part: Uint8Array): void => {
    heldBytes += part.length
    if (heldBytes <= limits.objectBytesMax) held.append(part)
    else held.take()
  }

  const take = (last: Uint8Array): StreamedObject => {
    const size = heldBytes + last.length
    const isWhole = heldBytes === 0
    objects++
    if (size > limits.objectBytesMax) {
      held.take()
      heldBytes = 0
      return { kind: 'oversize', position, size }
    }
    if (!isWhole) keep(last)
    heldBytes = 0
    return { kind: 'object', position, bytes: isWhole ? last : held.take() }
  }

  const open = (byte: number, at: number): void => {
    if (byte !== openBrace) {
      refuse(at, byte === openBracket ? 'records are concatenated, not an array' : 'an object was expected')
    }
    position = at
    depth = 1
  }

  return {
    *push(chunk) {
      let start = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] ?? 0
        if (insideString) stepInString(byte)
        else if (depth > 0) {
          if (!step(byte)) continue
          yield take(chunk.subarray(start, at + 1))
        } else if (!isSpace(byte)) {
          open(byte, consumed + at)
          start = at
        }
      }
      if (depth > 0) keep(chunk.subarray(start))
      consumed += chunk.length
    },
    end() {
      if (depth > 0) refuse(position, 'the object that begins there does not end')
    },
    heldBytes: held.length,
    isInsideObject: () => depth > 0,
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
