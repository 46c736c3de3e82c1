// What the client needs of the world it runs in: a way to ask, time and chance. Node 20, browsers and Lambda have all
// of it; tests hand in their own.

export interface World {
  fetch(url: string, init: RequestInit): Promise<Response>
  /** Milliseconds since 1970-01-01T00:00Z. */
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** In [0, 1). */
  random(): number
}

export const systemWorld: World = {
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      signal?.addEventListener('abort', wake)
    }),
  random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
}

/** 128 bits in hexadecimal digits. */
export function randomId({ random }: Pick<World, 'random'>): string {
  return Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
}

export const isoTime = (ms: number): string => new Date(ms).toISOString()

export const msOfIsoTime = (text: string): number => Date.parse(text)
