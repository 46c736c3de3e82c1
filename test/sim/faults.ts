// What goes wrong in a run, drawn once from its seed and printed first; and the fate of a single call, drawn from that.
import type { Prng } from './prng.ts'

/** What a call is about, so that a run can trouble one kind of call alone. */
export const callKinds = ['topic', 'sequencer', 'index', 'producer', 'inline', 'object'] as const
export type CallKind = (typeof callKinds)[number]

export interface Faults {
  readonly delayMsMax: number
  /** Refused before anything happened. */
  readonly failBefore: number
  /** Carried out, and the answer is lost. */
  readonly answerLost: number
  /** Never carried out, which the caller does not know. */
  readonly requestLost: number
  /** The answer is lost, and the write lands some time after. */
  readonly late: number
  readonly lateMsMax: number
  /** Writes of this kind fail `focusRate` of the time, in one of the ways above. */
  readonly focus: CallKind | 'none'
  readonly focusRate: number
  /** Mean time between two crashes and two freezes of some process; 0: never. */
  readonly crashMs: number
  readonly freezeMs: number
  readonly freezeMsMax: number
  readonly clockSkewMsMax: number
}

export const noFaults: Faults = {
  delayMsMax: 5,
  failBefore: 0,
  answerLost: 0,
  requestLost: 0,
  late: 0,
  lateMsMax: 0,
  focus: 'none',
  focusRate: 0,
  crashMs: 0,
  freezeMs: 0,
  freezeMsMax: 0,
  clockSkewMsMax: 0,
}

export function drawFaults(random: Prng): Faults {
  const freezeMsMax = random.pick([500, 10_000, 300_000])
  const rate = (most: number) => (random.chance(0.3) ? 0 : Math.round(random.float() * most * 1000) / 1000)
  return {
    delayMsMax: random.pick([5, 20, 100]),
    failBefore: rate(0.1),
    answerLost: rate(0.08),
    requestLost: rate(0.05),
    late: rate(0.15),
    lateMsMax: random.pick([20, 200, 2_000, 30_000]),
    focus: random.chance(0.5) ? random.pick([...callKinds, 'sequencer', 'index', 'index']) : 'none',
    focusRate: random.pick([0.3, 0.9, 0.97]),
    crashMs: random.pick([0, 1_000, 10_000]),
    freezeMs: freezeMsMax * random.pick([0, 1, 5]),
    freezeMsMax,
    clockSkewMsMax: random.pick([0, 5_000]),
  }
}

export type Fate =
  | { readonly kind: 'well' }
  | { readonly kind: 'refused'; readonly throttled: boolean }
  | { readonly kind: 'answerLost' }
  | { readonly kind: 'requestLost' }
  | { readonly kind: 'late'; readonly afterMs: number }

/** A read fails in one way only: without effect. */
export function drawFate(random: Prng, faults: Faults, kind: CallKind, isWrite: boolean): Fate {
  const refused = (): Fate => ({ kind: 'refused', throttled: random.chance(0.5) })
  const focused = isWrite && faults.focus === kind && random.chance(faults.focusRate)
  const drawn = random.float() * (focused ? troubleOf(faults) : 1)
  let bound = faults.failBefore
  if (drawn < bound) return refused()
  if (!isWrite) return { kind: 'well' }
  bound += faults.answerLost
  if (drawn < bound) return { kind: 'answerLost' }
  bound += faults.requestLost
  if (drawn < bound) return { kind: 'requestLost' }
  bound += faults.late
  if (drawn < bound) return { kind: 'late', afterMs: random.float() * faults.lateMsMax }
  return focused ? refused() : { kind: 'well' }
}

const troubleOf = ({ failBefore, answerLost, requestLost, late }: Faults): number =>
  failBefore + answerLost + requestLost + late
