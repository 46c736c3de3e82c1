// `npm run sim`: runs of the simulation. Prints seed and faults first, on a violation the end of the trace and, last,
// the command that shows it again.

import { parseArgs } from 'node:util'
import cliProgress from 'cli-progress'
import { type Counters, counterNames, createCounters } from './counters.ts'
import type { Plan } from './plan.ts'
import { type RunResult, simulate } from './simulate.ts'

const help = `Simulates Millrace: the real service on stores in memory, in virtual time, with faults drawn from a seed.

  npm run sim -- [--seed N] [--steps N] [--seeds K] [--no-compactor | --groups]

  --seed N    the first seed (default 1); the same seed is the same run
  --steps N   events under faults, before they stop (default 3000)
  --seeds K   as many seeds, from the first one on (default 1)
  --no-compactor   the log alone, without compactors and collectors
  --groups         consumer groups
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '3000' },
    seeds: { type: 'string', default: '1' },
    'no-compactor': { type: 'boolean', default: false },
    groups: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const compacts = !values['no-compactor']
const { groups } = values

if (values.help) process.stdout.write(help)
else process.exitCode = await main(number(values.seed), number(values.steps), number(values.seeds))

function number(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  process.stderr.write(`'${text}' is no number\n\n${help}`)
  process.exit(2)
}

async function main(first: number, steps: number, seeds: number): Promise<number> {
  const total = createCounters()
  const began = performance.now()
  const bar = new cliProgress.SingleBar({
    format: '{bar} {value}/{total} seeds, {eta_formatted} left',
    noTTYOutput: false,
  })
  if (seeds > 1) {
    console.log(`seeds ${first} to ${first + seeds - 1}, ${steps} steps each`)
    bar.start(seeds, 0)
  }
  let stepsTaken = 0
  for (let seed = first; seed < first + seeds; seed++) {
    let plan: Plan | undefined
    const onPlan = (drawn: Plan) => {
      plan = drawn
      if (seeds === 1) printPlan(seed, drawn)
    }
    const result = await simulate({ seed, steps, compacts, groups, onPlan })
    stepsTaken += result.steps
    addTo(total, result.counters)
    if (seeds > 1) bar.increment()
    if (result.violations.length === 0) continue
    bar.stop()
    if (plan && seeds > 1) printPlan(seed, plan)
    printFailure(result, seed, steps)
    return 1
  }
  bar.stop()
  const seconds = (performance.now() - began) / 1000
  printCounters(total)
  const perSecond = `${(seeds / seconds).toFixed(1)} seeds/s, ${Math.round(stepsTaken / seconds)} steps/s`
  console.log(`${seeds} ${seeds === 1 ? 'seed' : 'seeds'} without a violation (${perSecond})`)
  return 0
}

function printPlan(seed: number, plan: Plan): void {
  console.log(`seed ${seed}`)
  console.log(`faults ${JSON.stringify(plan.faults)}`)
  console.log(`${plan.processes} processes, settings ${JSON.stringify(plan.settings)}`)
  console.log(`compaction ${JSON.stringify(plan.compaction)}`)
  if (plan.groups)
    console.log(`groups ${JSON.stringify({ network: plan.groups.network, times: plan.groups.times })}`)
  for (const { topicName, rules } of plan.topics) console.log(`topic ${topicName}: ${JSON.stringify(rules)}`)
  for (const { name } of plan.actors) console.log(`actor: ${name}`)
}

function printFailure(result: RunResult, seed: number, steps: number): void {
  console.log('\nthe end of the trace (virtual milliseconds, who, what, what came of it):')
  for (const line of result.traceTail) console.log(`  ${line}`)
  printCounters(result.counters)
  console.log(`\n${result.violations.length} violations, the first ones:`)
  for (const violation of result.violations.slice(0, 10)) console.log(`  ${violation}`)
  const mode = groups ? ' --groups' : compacts ? '' : ' --no-compactor'
  console.log(`\nAgain: npm run sim -- --seed ${seed} --steps ${steps}${mode}`)
}

function printCounters(counters: Counters): void {
  console.log(counterNames.map((name) => `${name} ${counters.of(name)}`).join(', '))
}

function addTo(total: Counters, more: Counters): void {
  for (const name of counterNames) total.add(name, more.of(name))
}
