// Memory in which segments are built: pieces of one size, which a segment that is stored gives back to the next one. To
// take fresh memory for each costs more than to fill it, and what is thrown away stays until the garbage is collected.

export interface Slabs {
  /** `bytes` long; what it held before is still in it. */
  take(bytes: number): Uint8Array
  /** Nobody looks at them any more. */
  give(slabs: readonly Uint8Array[]): void
}

export const slabBytes = 4 * 1024 * 1024

/** For a partition's turn, with which the memory goes. */
export function createSlabs(): Slabs {
  const free: Uint8Array[] = []
  return {
    take: (bytes) => (bytes === slabBytes ? free.pop() : undefined) ?? new Uint8Array(bytes),
    give(slabs) {
      free.push(...slabs.filter(({ length }) => length === slabBytes))
    },
  }
}
