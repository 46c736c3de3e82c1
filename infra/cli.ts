// `npm run synth`, `deploy` and `destroy`: the CDK's commands with the stage as an argument. What follows the stage is
// the CDK's (`npm run deploy -- --stage dev --require-approval never`).

import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stages } from './stages.ts'

const verbs = ['synth', 'deploy', 'destroy'] as const
type Verb = (typeof verbs)[number]

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** The arguments of `cdk`, or a sentence that says what is wrong with those given. */
export function cdkArguments(
  given: readonly string[],
): { readonly args: string[] } | { readonly refusal: string } {
  const verb = verbs.find((one) => one === given[0])
  if (verb === undefined) return { refusal: `Say what to do: ${verbs.join(', ')}.` }
  const { stage, rest } = stageIn(given.slice(1))
  const there = `infra/stages.ts has ${Object.keys(stages).join(', ')}`
  if (stage === undefined && verb === 'synth') return { args: ['synth', '--quiet', ...rest] }
  if (stage === undefined) {
    return { refusal: `--stage is missing: say npm run ${verb} -- --stage dev; ${there}.` }
  }
  const settings = Object.hasOwn(stages, stage) ? stages[stage] : undefined
  if (settings === undefined) return { refusal: `--stage is ${stage}: ${there}.` }
  const context = ['--context', `stage=${stage}`]
  return { args: [...stacksOf(verb, stage, settings.retainData), ...context, ...rest] }
}

/** Data that is kept has a stack that refuses to be destroyed: the others go without it. */
function stacksOf(verb: Verb, stage: string, retainData: boolean): string[] {
  if (verb === 'synth') return ['synth', '--quiet']
  if (verb === 'destroy' && retainData) {
    return ['destroy', ...['observability', 'jobs', 'service'].map((lifecycle) => `${stage}/${lifecycle}`)]
  }
  return [verb, '--all']
}

function stageIn(given: readonly string[]): {
  readonly stage: string | undefined
  readonly rest: readonly string[]
} {
  const at = given.findIndex((argument) => argument === '--stage' || argument.startsWith('--stage='))
  const [argument = '', next] = given.slice(at === -1 ? given.length : at)
  if (argument.startsWith('--stage='))
    return { stage: argument.slice('--stage='.length), rest: given.toSpliced(at, 1) }
  return at === -1 ? { stage: undefined, rest: given } : { stage: next, rest: given.toSpliced(at, 2) }
}

if (import.meta.main) {
  const parsed = cdkArguments(process.argv.slice(2))
  if ('refusal' in parsed) {
    process.stderr.write(`${parsed.refusal}\n`)
    process.exitCode = 2
  } else {
    const cdk = fileURLToPath(import.meta.resolve('aws-cdk/bin/cdk'))
    const env = { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true', CDK_DISABLE_VERSION_CHECK: 'true' }
    const app = `"${process.execPath}" infra/app.ts`
    const { status } = spawnSync(process.execPath, [cdk, ...parsed.args, '--app', app], {
      cwd: root,
      stdio: 'inherit',
      env,
    })
    process.exitCode = status ?? 1
  }
}
