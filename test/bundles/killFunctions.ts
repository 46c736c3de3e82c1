// `npm run kill-functions -- --rounds 500`: the bundles of produce and fetch killed under load. Ends with code 1 when
// something that was acknowledged is lost.
import { runKillLoop } from '../kill/killLoop.ts'
import { parseRounds } from '../kill/parseRounds.ts'
import { startAwsWorld } from './awsWorld.ts'
import { startFunctions } from './functionsProcess.ts'

const rounds = parseRounds(
  'kill-functions',
  'Kills the bundles of produce and fetch under load, on emulated AWS, and looks for every acknowledged record.',
)
const print = (line: string) => process.stdout.write(`${line}\n`)

const world = await startAwsWorld(false)
const start = () => startFunctions(world)
const { acknowledged, stored, problems } = await runKillLoop({
  start,
  rounds,
  compacts: false,
  report: print,
})
await world.close()
for (const problem of problems) print(problem)
const what = `${rounds} kills of both functions: ${acknowledged} acknowledged records`
if (problems.length === 0) print(`${what}, every one found once at its offset (${stored} stored)`)
else {
  print(`${what}, ${problems.length} problems`)
  process.exitCode = 1
}
