// `npm run kill-loop -- --rounds 50`: ends with code 1 when something that was acknowledged is lost.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServerProcess } from '../support/serverProcess.ts'
import { runKillLoop } from './killLoop.ts'
import { parseRounds } from './parseRounds.ts'

const rounds = parseRounds(
  'kill-loop',
  'Kills the server under load (SIGKILL), starts it again and looks for every record that was acknowledged.',
)
const print = (line: string) => process.stdout.write(`${line}\n`)

const folder = await mkdtemp(join(tmpdir(), 'millrace-kill-loop-'))
const start = () => startServerProcess({ DATA_DIR: folder })
const summary = await runKillLoop({ start, rounds, compacts: true, report: print })
const { acknowledged, stored, segmentsWritten, problems } = summary
for (const problem of problems) print(problem)
if (problems.length === 0) {
  await rm(folder, { recursive: true })
  print(
    `${rounds} kills: ${acknowledged} acknowledged records, every one found once at its offset (${stored} stored, ` +
      `${segmentsWritten} segments written meanwhile)`,
  )
} else {
  print(
    `${rounds} kills: ${problems.length} problems with ${acknowledged} acknowledged records; the log is in ${folder}`,
  )
  process.exitCode = 1
}
