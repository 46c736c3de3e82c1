// Parts of any lengths as pieces of one length, the last one shorter, one at a time: what is large is never in memory
// twice as a whole.

export const bytesIn = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, { byteLength }) => sum + byteLength, 0)

export function* piecesOf(parts: readonly Uint8Array[], pieceBytes: number): Generator<Uint8Array> {
  let piece: Uint8Array[] = []
  let room = pieceBytes
  for (const part of parts) {
    for (let at = 0; at < part.byteLength; ) {
      const slice = part.subarray(at, at + room)
      piece.push(slice)
      at += slice.byteLength
      room -= slice.byteLength
      if (room > 0) continue
      yield joined(piece)
      piece = []
      room = pieceBytes
    }
  }
  if (piece.length > 0) yield joined(piece)
}

/** What is whole already is not copied. */
export const joined = (parts: readonly Uint8Array[]): Uint8Array =>
  parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
