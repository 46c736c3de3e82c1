// Answers that are views of blocks of the log, where a copy costs as much as sending it. A view keeps its whole block
// in memory, also after the cache has let go of it: so the block takes room, once for all its views.

import type { ByteRoom, Place } from '../../base/byteRoom.ts'

export interface BlockView {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** It is sent; may be called again. */
  leave(): void
}

export interface BlockViews {
  /** `batches` as one piece; undefined: they do not lie side by side, or there is no room for their block. */
  open(tenant: string | undefined, batches: readonly Uint8Array[]): BlockView | undefined
}

export function createBlockViews(room: ByteRoom): BlockViews {
  /** Its place is its first reader's, a tenant's block is no other's. */
  const blocks = new Map<ArrayBuffer, { readonly place: Place; readers: number }>()

  const enter = (tenant: string | undefined, buffer: ArrayBuffer) => {
    const known = blocks.get(buffer)
    if (known !== undefined) return known
    const place = room.acquireNow(tenant, buffer.byteLength)
    if (place.bytes === 0) return undefined
    const block = { place, readers: 0 }
    blocks.set(buffer, block)
    return block
  }

  return {
    open(tenant, batches) {
      const bytes = sideBySide(batches)
      if (bytes === undefined) return undefined
      const block = enter(tenant, bytes.buffer)
      if (block === undefined) return undefined
      block.readers++
      let isOpen = true
      const leave = (): void => {
        if (!isOpen) return
        isOpen = false
        if (--block.readers > 0) return
        blocks.delete(bytes.buffer)
        room.resize(block.place, 0)
      }
      return { bytes, leave }
    },
  }
}

function sideBySide(batches: readonly Uint8Array[]): Uint8Array<ArrayBuffer> | undefined {
  const [first] = batches
  if (!(first?.buffer instanceof ArrayBuffer)) return undefined
  let end = first.byteOffset
  for (const { buffer, byteOffset, length } of batches) {
    if (buffer !== first.buffer || byteOffset !== end) return undefined
    end += length
  }
  return new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset)
}
