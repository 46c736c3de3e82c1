// Small tools for work side by side: a bound on how much runs at once, and a promise settled from outside.

export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

export function deferred<T>(): Deferred<T> {
  return Promise.withResolvers<T>()
}

export type Limiter = <T>(work: () => Promise<T>) => Promise<T>

/** Runs at most `atOnce` works at a time, the others in the order in which they came. */
export function createLimiter(atOnce: number): Limiter {
  const waiting: (() => void)[] = []
  let running = 0
  const leave = () => {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
  return async (work) => {
    if (running < atOnce) running++
    else await new Promise<void>((enter) => waiting.push(enter))
    try {
      return await work()
    } finally {
      leave()
    }
  }
}

export interface ByteRoom {
  /**
   * Resolves when there is room, in the order of the calls; answers the bytes taken, at most the whole
   * room.
   */
  acquire(bytes: number): Promise<number>
  release(bytes: number): void
}

export const createByteRoom = (bytesMax: number): ByteRoom => {
  let free = bytesMax
  const waiting: { readonly bytes: number; readonly enter: () => void }[] = []
  const admit = (): void => {
    for (let first = waiting[0]; first !== undefined && first.bytes <= free; first = waiting[0]) {
      free -= first.bytes
      waiting.shift()
      first.enter()
    }
  }
  return {
    acquire: async (asked) => {
      const bytes = Math.min(asked, bytesMax)
      if (waiting.length === 0 && bytes <= free) {
        free -= bytes
        return bytes
      }
      const entered = Promise.withResolvers<void>()
      waiting.push({ bytes, enter: entered.resolve })
      await entered.promise
      return bytes
    },
    release: (bytes) => {
      free += bytes
      admit()
    },
  }
}
