// `npm run bench:groups`: what consumer groups cost and how much of them one process takes, in one run.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { assignors } from '../shared/groups/assignors.ts'
import { type Costs, measureGroupCosts } from './groupCosts.ts'
import { measureGroupRates } from './groupRates.ts'
import { startMillrace } from './server.ts'

const help = `Measures consumer groups: table calls of heartbeats, commits and rebalances, and rates over HTTP.

  npm run bench:groups                  half a minute
  npm run bench:groups -- --seconds N   load the server for N seconds (3) each with heartbeats and commits
  npm run bench:groups -- --help        this text

Calls are counted in this process, on the storage of one machine; rates are those of a server in its own process.
Data is written below the system's temporary folder (TMPDIR) and removed. Results: bench/results/groups.json.
A missed target ends with exit code 1.
`

const members = 100
const partitions = 1_000
const largestGroup = { members: 1_000, topics: 100, partitionsPerTopic: 100 }

interface Row {
  readonly title: string
  readonly value: number
  readonly unit: string
  readonly atMost?: number
}

const rows: Row[] = []
const isMet = ({ value, atMost }: Row): boolean => atMost === undefined || value <= atMost

function show(title: string, value: number, unit: string, atMost?: number): void {
  const row: Row = { title, value, unit, ...(atMost === undefined ? {} : { atMost }) }
  rows.push(row)
  const digits = value < 10 && !Number.isInteger(value) ? 3 : 0
  const target = atMost === undefined ? '' : `   <= ${atMost}  ${isMet(row) ? 'met' : 'MISSED'}`
  console.log(`${title.padEnd(62)}${value.toFixed(digits).padStart(10)} ${unit.padEnd(16)}${target}`)
}

function showRebalance(what: string, { heartbeats, milliseconds, tableWrites }: Costs): void {
  show(`${what}: until stable`, milliseconds, 'ms')
  show(`${what}: heartbeats`, heartbeats, 'heartbeats')
  show(`${what}: table writes`, tableWrites, 'writes')
}

async function showCosts(folder: string): Promise<void> {
  const costs = await measureGroupCosts(path.join(folder, 'costs'), members, partitions)
  const { heartbeating, committing } = costs
  const group = `${members} members, ${partitions} partitions`
  showRebalance(`${group}, all join`, costs.joining)
  showRebalance(`${group}, one leaves`, costs.oneLeaves)
  showRebalance(`${group}, one joins`, costs.oneJoins)
  show(
    'table writes a heartbeat, nothing changes',
    heartbeating.tableWrites / heartbeating.heartbeats,
    'writes',
    0.01,
  )
  show(
    'table reads a heartbeat, nothing changes',
    heartbeating.tableReads / heartbeating.heartbeats,
    'reads',
    0.05,
  )
  show('table writes a commit', committing.tableWrites / committing.commits, 'writes', 1)
  show('table reads a commit', committing.tableReads / committing.commits, 'reads', 0.01)
}

async function showRates(folder: string, seconds: number): Promise<void> {
  const server = await startMillrace(folder)
  try {
    const { heartbeats, commits } = await measureGroupRates(server.port, members, seconds)
    show(`heartbeats, ${members} members`, heartbeats.requestsPerSecond, 'requests/s')
    show('  99 of 100 answered within', heartbeats.p99Ms, 'ms')
    show(`commits, ${members} members`, commits.requestsPerSecond, 'requests/s')
    show('  99 of 100 answered within', commits.p99Ms, 'ms')
  } finally {
    await server.stop()
  }
}

/** A new group, and one more member in it. */
function showAssignors(): void {
  const count = largestGroup.members
  const topicIds = Array.from({ length: largestGroup.topics }, (_, at) => `topic-${at}`)
  const topics = new Map(
    topicIds.map((name) => [name, { name, partitionCount: largestGroup.partitionsPerTopic }]),
  )
  for (const [name, assign] of Object.entries(assignors)) {
    const group = (size: number, previous: ReturnType<typeof assign>) => ({
      topics,
      members: Array.from({ length: size }, (_, at) => {
        const memberId = `member-${at}`
        return {
          memberId,
          instanceId: undefined,
          topics: topicIds,
          previous: previous.get(memberId) ?? new Map(),
        }
      }),
    })
    const first = timed(() => assign(group(count, new Map())))
    const more = timed(() => assign(group(count + 1, first.result)))
    const size = `${count} members, ${topicIds.length * largestGroup.partitionsPerTopic} partitions`
    show(`${name}, ${size}, a new group`, first.milliseconds, 'ms', 200)
    show(`${name}, ${size}, one joins`, more.milliseconds, 'ms', 200)
  }
}

function timed<T>(work: () => T): { readonly result: T; readonly milliseconds: number } {
  const start = performance.now()
  const result = work()
  return { result, milliseconds: performance.now() - start }
}

function writeResults(): void {
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown', node: process.version }
  const results = path.join(import.meta.dirname, 'results')
  mkdirSync(results, { recursive: true })
  writeFileSync(path.join(results, 'groups.json'), `${JSON.stringify({ machine, rows }, undefined, 2)}\n`)
}

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    seconds: { type: 'string', default: '3' },
  },
})
const seconds = Number(values.seconds)
if (values.help) {
  console.log(help)
} else if (!(seconds > 0 && seconds <= 600)) {
  console.error('--seconds takes a number from above 0 to 600')
  process.exitCode = 2
} else {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
  try {
    await showCosts(folder)
    showAssignors()
    await showRates(folder, seconds)
    writeResults()
    process.exitCode = rows.every(isMet) ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
