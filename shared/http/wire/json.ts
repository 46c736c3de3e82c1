// JSON as it stands in the request: parsed once to be checked, and cut out of the source text where a
// record's bytes are JSON, so that a producer's numbers, escapes and order of keys are stored exactly as
// written, without the white space.
// Refuses text that is not UTF-8 or not JSON.
// The functions that cut take text that JSON.parse has accepted; on other text their answers mean nothing.

import { KafkaError } from '../../base/errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [name: string]: Json | undefined }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `where` ends the message: where these bytes stand in the body. */
export function parseJson(bytes: Uint8Array, where: string): { text: string; value: Json } {
  try {
    const text = utf8.decode(bytes)
    return { text, value: JSON.parse(text) }
  } catch {
    throw new KafkaError('BAD_REQUEST', `malformed JSON ${where}`)
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** Where a value stands in its text: [start, end). */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The values of an object by their names; of a name that comes twice the last, as JSON.parse takes it. */
export function memberSpans(text: string, object: number): ReadonlyMap<string, Span> {
  const members = new Map<string, Span>()
  let at = skipSpace(text, skipSpace(text, object) + 1)
  while (text.charCodeAt(at) === quote) {
    const nameEnd = stringEnd(text, at)
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1)
    const end = valueEnd(text, start)
    members.set(unquote(text, at, nameEnd), { start, end })
    at = nextItem(text, end)
  }
  return members
}

/** The values of an array, in order. */
export function elementSpans(text: string, array: number): readonly Span[] {
  const elements: Span[] = []
  let at = skipSpace(text, skipSpace(text, array) + 1)
  while (at < text.length && text.charCodeAt(at) !== closeBracket) {
    const end = valueEnd(text, at)
    elements.push({ start: at, end })
    at = nextItem(text, end)
  }
  return elements
}

/** The value without the white space between its tokens. */
export function compactJson(text: string, span: Span): string {
  const raw = text.slice(span.start, span.end)
  if (!/[ \t\n\r]/.test(raw)) return raw
  const parts: string[] = []
  let kept = 0
  for (let at = 0; at < raw.length; ) {
    const code = raw.charCodeAt(at)
    if (code === quote) {
      at = stringEnd(raw, at)
    } else if (isSpace(code)) {
      parts.push(raw.slice(kept, at))
      at = skipSpace(raw, at)
      kept = at
    } else at++
  }
  parts.push(raw.slice(kept))
  return parts.join('')
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

function nextItem(text: string, valueEnded: number): number {
  const at = skipSpace(text, valueEnded)
  return text.charCodeAt(at) === comma ? skipSpace(text, at + 1) : at
}

function stringEnd(text: string, opening: number): number {
  let at = opening + 1
  for (;;) {
    const closing = text.indexOf('"', at)
    if (closing < 0) return text.length
    let escapes = closing
    while (text.charCodeAt(escapes - 1) === backslash) escapes--
    if ((closing - escapes) % 2 === 0) return closing + 1
    at = closing + 1
  }
}

function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === quote) return stringEnd(text, start)
  if (first === openBrace || first === openBracket) return nestedEnd(text, start)
  let at = start
  while (at < text.length && !endsPrimitive(text.charCodeAt(at))) at++
  return at
}

function nestedEnd(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = stringEnd(text, at)
      continue
    }
    at++
    if (code === openBrace || code === openBracket) depth++
    else if (code === closeBrace || code === closeBracket) depth--
    if (depth === 0) return at
  }
  return text.length
}

function endsPrimitive(code: number): boolean {
  return code === comma || code === closeBrace || code === closeBracket || isSpace(code)
}

function unquote(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1)
  return raw.includes('\\') ? String(JSON.parse(text.slice(start, end))) : raw
}
