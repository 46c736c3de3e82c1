// Base64 of RFC 4648 §4, strictly: its alphabet, its padding, no white space, no bits left over.

/** undefined: not base64. Decoding alone would skip whatever it does not know. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

export function encodeBase64(bytes: Uint8Array): string {
  return textOf(bytes).toString('base64')
}

/** The same memory as a Buffer, whose text conversions are native. */
export function textOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
