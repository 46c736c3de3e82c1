// Who measures, who loads and who is measured on processors of their own, as if they were on machines of their own: on
// Linux a thread that wakes may wait for the slice (milliseconds) of the one that has its processor, which is nothing
// that a server could mend.

import { spawnSync } from 'node:child_process'

/** What a command is put behind; empty: it has the processors that all have. */
export type Placed = readonly string[]

export interface Places {
  readonly servers: Placed
  readonly measuring: Placed
  readonly loading: Placed
}

/** Servers have half of the processors, whoever measures has one. Linux alone has a taskset. */
export function placesOf(processors: readonly number[]): Places {
  const half = Math.floor(processors.length / 2)
  const others = processors.slice(half)
  const on = (some: readonly number[]): Placed => (half === 0 ? [] : ['taskset', '-c', some.join()])
  return {
    servers: on(processors.slice(0, half)),
    measuring: on(others.slice(-1)),
    loading: on(others.length > 1 ? others.slice(0, -1) : others),
  }
}

/** Those that this process may use; none where nobody can say. */
export function ownProcessors(): readonly number[] {
  const { status, stdout } = spawnSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' })
  return status === 0 ? parseList(stdout.slice(stdout.lastIndexOf(':') + 1)) : []
}

/** "0-2,5" is four of them. */
function parseList(text: string): readonly number[] {
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
}
