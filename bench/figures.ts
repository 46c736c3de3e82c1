// What is reported of a load: rates, percentiles, and how they compare with a floor.

import type { Load } from './load.ts'

export interface Figures {
  readonly requestsPerSecond: number
  /** 10^6 bytes of record data. */
  readonly megabytesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** A ratio to reach, or to stay below. */
export interface Target {
  readonly kind: 'atLeast' | 'atMost'
  readonly ratio: number
}

export interface RowResult {
  readonly name: string
  readonly title: string
  readonly server: Figures
  readonly floor: Figures | undefined
  /** What the ratio is of, in words. */
  readonly comparison: string
  readonly ratio: number
  readonly target: Target | undefined
  readonly peakMemoryMiB: number
}

export function figuresOf(slices: readonly Load[], requestBytes: number): Figures {
  const latenciesMs = slices.flatMap((slice) => slice.latenciesMs).toSorted((a, b) => a - b)
  const seconds = slices.reduce((sum, slice) => sum + slice.seconds, 0)
  const requestsPerSecond = latenciesMs.length / seconds
  return {
    requestsPerSecond,
    megabytesPerSecond: (requestsPerSecond * requestBytes) / 1e6,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
  }
}

/** The smallest value that at least this share of the sorted values does not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export function isMet({ ratio, target }: Pick<RowResult, 'ratio' | 'target'>): boolean {
  if (target === undefined) return true
  return target.kind === 'atLeast' ? ratio >= target.ratio : ratio <= target.ratio
}
