// Text that may get long. One string of many megabytes keeps the thread while it is made flat and encoded: what is no
// short text is encoded while it grows.

export interface LongText {
  add(text: string): void
  /** In characters. */
  length(): number
  take(): string | readonly Uint8Array[]
}

/** In characters. */
const pieceLength = 256 * 1024

export function createLongText(): LongText {
  const pieces: Uint8Array[] = []
  let before = 0
  let text = ''
  const encode = (): void => {
    pieces.push(Buffer.from(text))
    before += text.length
    text = ''
  }
  return {
    add(more) {
      text += more
      if (text.length >= pieceLength) encode()
    },
    length: () => before + text.length,
    take() {
      if (pieces.length === 0) return text
      if (text !== '') encode()
      return pieces
    },
  }
}
