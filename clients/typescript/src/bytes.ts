// Bytes and text, with what every platform has.

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const utf8Of = (text: string): Uint8Array => encoder.encode(text)

export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)

/** Arguments of one call; engines bound their number. */
const chunkLength = 8192

export function base64Of(bytes: Uint8Array): string {
  if (bytes.length <= chunkLength) return btoa(String.fromCharCode(...bytes))
  let binary = ''
  for (let start = 0; start < bytes.length; start += chunkLength) {
    binary += String.fromCharCode(...bytes.subarray(start, start + chunkLength))
  }
  return btoa(binary)
}

export function bytesOfBase64(base64: string): Uint8Array {
  const binary = atob(base64)
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
  return bytes
}
