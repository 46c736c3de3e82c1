// The world of one run: virtual time, chance and the one heap of events. Whatever waits (a storage call, a sleep) is an
// event here; the loop lets all microtasks run out, takes the next event (of several that are due at once, one by
// chance), moves the clock and runs it. No real time and no real chance: a seed is a run.

import { createHash } from 'node:crypto'
import { createHeap } from './heap.ts'
import { createPrng, type Prng } from './prng.ts'

/** What happens inside a process happens only while it runs. */
export interface Owner {
  readonly name: string
  /** undefined: it runs; a time: it is frozen until then; Infinity: it is gone. */
  suspendedUntil(): number | undefined
}

export interface World {
  readonly random: Prng
  now(): number
  /** Steps of this run so far. */
  steps(): number
  /** Grows with every call: the order of what happened, finer than virtual time. */
  order(): number
  /** Answers a function that takes the event back. */
  later(delayMs: number, run: () => void, owner?: Owner): () => void
  sleep(ms: number): Promise<void>
  /** False: nothing is left to happen. */
  step(): Promise<boolean>
  trace(line: string): void
  traceHash(): string
  traceTail(): readonly string[]
}

interface Event {
  at: number
  readonly tie: number
  readonly run: () => void
  readonly owner: Owner | undefined
  cancelled: boolean
}

const start = 1_700_000_000_000
const tailLines = 60

export function createWorld(seed: number, onTrace: (line: string) => void = () => undefined): World {
  const random = createPrng(seed)
  const heap = createHeap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.tie < b.tie))
  const hash = createHash('sha256')
  let tail: string[] = []
  let now = start
  let steps = 0
  let order = 0

  const later: World['later'] = (delayMs, run, owner) => {
    const event = { at: now + delayMs, tie: random.float(), run, owner, cancelled: false }
    heap.push(event)
    return () => {
      event.cancelled = true
    }
  }

  /** The next event that may happen; those of frozen processes are put off, those of crashed ones never happen. */
  const nextEvent = (): Event | undefined => {
    for (;;) {
      const event = heap.pop()
      if (!event) return undefined
      const until = event.owner?.suspendedUntil()
      if (event.cancelled || until === Number.POSITIVE_INFINITY) continue
      if (until === undefined || until <= event.at) return event
      event.at = until
      heap.push(event)
    }
  }

  return {
    random,
    now: () => now,
    steps: () => steps,
    order: () => order++,
    later,
    sleep: (ms) => new Promise((resolve) => later(ms, resolve)),
    async step() {
      await macrotask()
      const event = nextEvent()
      if (!event) return false
      now = Math.max(now, event.at)
      steps++
      event.run()
      return true
    },
    trace(line) {
      const whole = `${(now - start).toFixed(3)} ${line}`
      hash.update(`${whole}\n`)
      onTrace(whole)
      tail.push(whole)
      if (tail.length > 4 * tailLines) tail = tail.slice(-tailLines)
    },
    traceHash: () => hash.copy().digest('hex'),
    traceTail: () => tail.slice(-tailLines),
  }
}

/** By then every promise chain has come to rest, however many generations it had. */
const macrotask = () => new Promise<void>((resolve) => setImmediate(resolve))
