// Carries one storage call of a process to the store and its answer back, and does to it what fate has decided. The
// store's side goes on whatever becomes of the process: a write that was handed over may land after its writer's end.

import { StorageError } from '../../shared/base/errors.ts'
import type { Counters } from './counters.ts'
import { type CallKind, drawFate, type Fate, type Faults } from './faults.ts'
import type { Owner, World } from './world.ts'

export interface Courier {
  readonly world: World
  readonly owner: Owner
  readonly faults: () => Faults
  readonly counters: Counters
}

export interface Call<T> {
  readonly kind: CallKind
  readonly isWrite: boolean
  /** For the trace. */
  readonly label: string
  readonly apply: () => Promise<T>
  readonly describe: (result: T) => string
  /** The answer was lost for the caller; it may have been carried out. */
  readonly lost?: () => void
}

export function carry<T>(courier: Courier, call: Call<T>): Promise<T> {
  const { world, faults, counters } = courier
  const { delayMsMax } = faults()
  const fate = drawFate(world.random, faults(), call.kind, call.isWrite)
  const there = world.random.float() * delayMsMax
  const back = world.random.float() * delayMsMax
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  // Nobody may be left to hear of it.
  promise.catch(() => undefined)
  const answer = (delayMs: number, outcome: string, settle: () => void) => {
    const tell = () => {
      world.trace(`${courier.owner.name} ${call.label} -> ${outcome}`)
      settle()
    }
    world.later(delayMs, tell, courier.owner)
  }
  const fail = (delayMs: number, error: StorageError) => {
    if (error.effect === 'unknown') call.lost?.()
    answer(delayMs, `${error.effect}${error.throttled ? ' (throttled)' : ''}`, () => reject(error))
  }

  if (fate.kind === 'refused') {
    const error = new StorageError('none', 'simulated: refused', { throttled: fate.throttled })
    fail(there + back, error)
    return promise
  }
  if (fate.kind !== 'well') fail(there + back, new StorageError('unknown', 'simulated: no answer'))
  if (fate.kind === 'requestLost') return promise
  world.later(landingMs(fate, there, back), () => {
    if (isGone(courier.owner) && world.random.chance(0.3)) return
    const landed = (outcome: string) => world.trace(`store ${call.label} ${fate.kind} ${outcome}`)
    call.apply().then(
      (result) => {
        const outcome = call.describe(result)
        if (fate.kind === 'well') return answer(back, outcome, () => resolve(result))
        landed(outcome)
        if (fate.kind === 'late' && outcome.startsWith('ok')) counters.count('lateLanding')
      },
      (error: unknown) => {
        if (fate.kind === 'well') answer(back, String(error), () => reject(error))
        else landed(String(error))
      },
    )
  })
  return promise
}

const landingMs = (fate: Fate, there: number, back: number): number =>
  fate.kind === 'late' ? there + back + fate.afterMs : there

const isGone = (owner: Owner): boolean => owner.suspendedUntil() === Number.POSITIVE_INFINITY
