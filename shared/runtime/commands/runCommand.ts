// How every command begins and ends: --help, arguments that are refused with a sentence and code 2, failures
// that are told in one sentence with code 1, never with a stack.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

interface Command<Options extends ParseArgsOptionsConfig, Parsed> {
  readonly help: string
  readonly options: Options
  /** What stands beside the options, in the words of the help; absent: nothing may. */
  readonly argument?: string
  /** It may be left out. */
  readonly argumentIsOptional?: true
  /** Throws UsageError. */
  readonly parse: (
    values: ReturnType<typeof parseArgs<{ options: Options }>>['values'],
    argument: string,
  ) => Parsed
  /** Answers the exit code. */
  readonly run: (parsed: Parsed) => Promise<number>
}

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export async function runCommand<const Options extends ParseArgsOptionsConfig, Parsed>(
  command: Command<Options, Parsed>,
): Promise<void> {
  const args = process.argv.slice(2)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(command.help)
    return
  }
  try {
    process.exitCode = await command.run(parse(command, args))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const isUsage = error instanceof UsageError
    process.stderr.write(isUsage ? `${message}\n\n${command.help}` : `${message}\n`)
    process.exitCode = isUsage ? 2 : 1
  }
}

function parse<Options extends ParseArgsOptionsConfig, Parsed>(
  command: Command<Options, Parsed>,
  args: string[],
): Parsed {
  const { values, positionals } = parseOrRefuse(command.options, args)
  const wanted = command.argument === undefined ? 0 : 1
  if (positionals.length > wanted) throw new UsageError(`Unknown argument ${positionals[wanted]}.`)
  const [argument] = positionals
  if (wanted === 1 && argument === undefined && !command.argumentIsOptional)
    throw new UsageError(`Name ${command.argument}.`)
  return command.parse(values, argument ?? '')
}

function parseOrRefuse<Options extends ParseArgsOptionsConfig>(options: Options, args: string[]) {
  try {
    return parseArgs({ options, args, allowPositionals: true })
  } catch (error) {
    // Node adds advice after its first sentence.
    throw new UsageError(String(error instanceof Error ? error.message : error).replace(/(?<=')\. .*$/s, '.'))
  }
}
