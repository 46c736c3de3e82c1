// The ports of time and chance. Nothing in the engine reads the wall clock, a timer or a random source but through
// these, so that the simulation runs the real code.

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z. */
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** `length` random bytes, unguessable outside the simulation. */
  bytes(length: number): Uint8Array
  /** In [0, 1). */
  float(): number
}
