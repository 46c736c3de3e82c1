// Load and server on processors of their own, as load from other machines would be: a server's thread that waits until
// a thread of the load has had its slice (milliseconds, on Linux) is nothing that the server could mend.

import { spawnSync } from 'node:child_process'

/** How a server is started, as the first half of what there is; empty: processors are shared. */
export type ServerCommand = readonly string[]

/** Keeps this process, and threads that it starts from now on, to the second half. Linux alone has a taskset. */
export function takeSecondHalf(): ServerCommand {
  const own = spawnSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' })
  const processors = own.status === 0 ? parseList(own.stdout.slice(own.stdout.lastIndexOf(':') + 1)) : []
  const half = Math.floor(processors.length / 2)
  if (half === 0) return []
  const { status } = spawnSync('taskset', [
    '-a',
    '-c',
    '-p',
    processors.slice(half).join(),
    String(process.pid),
  ])
  return status === 0 ? ['taskset', '-c', processors.slice(0, half).join()] : []
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
