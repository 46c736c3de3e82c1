// The slowest pace at which a client may send a body or take an answer. Room in memory is held for the whole of either:
// this is how long a slow client may keep it from others.

/** 64 kB a second. */
export const slowestBytesPerMs = 64

export interface Pace {
  /** How long the next bytes may still take. */
  leftMs(): number
  /** So many bytes have passed, and were waited for so long. */
  note(ms: number, bytes: number): void
}

/** `behindMsMax`: how far a client may fall behind. What passes faster than it must is no credit for later. */
export function createPace(behindMsMax: number): Pace {
  let behindMs = 0
  return {
    leftMs: () => behindMsMax - behindMs,
    note(ms, bytes) {
      behindMs = Math.max(0, behindMs + ms - bytes / slowestBytesPerMs)
    },
  }
}
