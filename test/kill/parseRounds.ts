// What the two loops of kills take: how often.

import { parseArgs } from 'node:util'

/** Prints the help and ends the process where it is asked for, or where the arguments are none. */
export function parseRounds(name: string, what: string): number {
  const help = `${what}

  npm run ${name}                     20 kills
  npm run ${name} -- --rounds N       N kills
  npm run ${name} -- --help           this text

Exit code 1 where something that was acknowledged is lost, twice there, or at another offset.
Data is written below the system's temporary folder (TMPDIR) and removed.
`
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '20' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(help)
      process.exit()
    }
    if (/^[1-9]\d{0,5}$/.test(values.rounds)) return Number(values.rounds)
    throw new Error(`--rounds is ${values.rounds}: it takes a whole number from 1`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`)
    process.exit(2)
  }
}
