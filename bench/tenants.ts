// `npm run bench:tenants`: how much one tenant at ten times its quota slows another one down. Both use one server, with
// security on, as two clusters; the neighbour appends at its own pace all the time, and how long that takes is compared
// between the times when it is alone and those when the greedy tenant is beside it. The floor is the same load on a
// server of its own: what sharing a machine costs those who share nothing else. Servers and loads have processors of
// their own.

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { startServerProcess } from '../test/support/serverProcess.ts'
import { percentile } from './figures.ts'
import { ownProcessors, type Placed, type Places, placesOf } from './processors.ts'
import type { TenantLoad, TenantPlan } from './tenantLoad.ts'

const help = `Measures how much one tenant at ten times its quota slows another one down.

  npm run bench:tenants                     ten turns of 5 s each: alone, with the greedy tenant elsewhere on the
                                            machine, and with it beside
  npm run bench:tenants -- --turns N        N turns each
  npm run bench:tenants -- --seconds N      N seconds a turn
  npm run bench:tenants -- --unbounded      without the quota: what it is good for
  npm run bench:tenants -- --help           this text

The result is p99 of all turns together, beside over alone; less than 1.2 is wanted, or the exit code is 1. Data is
written below the system's temporary folder (TMPDIR) and removed; where the disk is busy, it decides. Results:
bench/results/tenants.json.
`

const quotaBytes = 1_000_000
const target = 1.2
const warmUpSeconds = 12
/** While it is not at work a tenth of what ten times the quota is comes in, for each second. */
const leadSeconds = 3
/** Until a greedy load that was refused to its end is over. */
const spareSeconds = 2
/** Until the process of a load has begun, and has ended. */
const processSeconds = 0.5
const clustersMaxAgeMs = 5000

interface Arguments {
  readonly turns: number
  readonly seconds: number
  readonly unbounded: boolean
}

function parseArguments(): Arguments | undefined {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      turns: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '5' },
      unbounded: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  return { turns: Number(values.turns), seconds: Number(values.seconds), unbounded: values.unbounded }
}

/** As the operator whose key the server's first start printed. */
type Operate = <T>(method: string, path: string, body: unknown) => Promise<T>

async function startServer(directory: string, command: Placed) {
  const server = await startServerProcess({ DATA_DIR: directory }, ['--secure'], command)
  while (!/curl/.test(server.said())) await sleep(10)
  const printed = (name: string) => new RegExp(`^ {2}${name} +(\\S+)$`, 'm').exec(server.said())?.[1] ?? ''
  const authorization = basic(printed('id'), printed('secret'))
  const operate: Operate = async (method, resource, body) => {
    const headers = { authorization, 'content-type': 'application/json' }
    const answer = await fetch(server.url + resource, { method, headers, body: JSON.stringify(body) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${resource}: ${answer.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  return { port: Number(new URL(server.url).port), operate, stop: server.stop }
}

type Server = Awaited<ReturnType<typeof startServer>>

interface Setting {
  readonly server: Server
  readonly elsewhere: Server
  readonly places: Places
}

type Load = (seconds: number) => Promise<TenantLoad>

async function measure({ server, elsewhere, places }: Setting, { turns, seconds, unbounded }: Arguments) {
  const neighbour = loadOf(server, places.measuring, await createTenant(server, 'neighbour'), 4096, 100)
  const greedy = {
    elsewhere: await greedyLoad(elsewhere, places.loading, unbounded),
    beside: await greedyLoad(server, places.loading, unbounded),
  }
  const turnSeconds = 3 * seconds + 2 * (leadSeconds + processSeconds)
  const whole = neighbour(warmUpSeconds + turns * turnSeconds + spareSeconds)
  // What a window of the quota may hold at once is used up before anything is measured.
  await Promise.all([greedy.elsewhere(warmUpSeconds), greedy.beside(warmUpSeconds)])
  const windows: Windows = { alone: [], elsewhere: [], beside: [] }
  const loads: TenantLoad[] = []
  const during = async (name: keyof Windows) => {
    const fromMs = Date.now()
    await sleep(seconds * 1000)
    windows[name].push({ fromMs, untilMs: Date.now() })
  }
  const duringLoad = async (name: keyof typeof greedy) => {
    // What its bucket took in meanwhile is spent first: measured is a tenant that stays over its quota.
    const load = greedy[name](leadSeconds + seconds)
    await sleep(leadSeconds * 1000)
    await during(name)
    return load
  }
  for (let turn = 0; turn < turns; turn++) {
    await during('alone')
    await duringLoad('elsewhere')
    loads.push(await duringLoad('beside'))
  }
  return { ...summary(await whole, windows), greedy: sumOf(loads) }
}

async function greedyLoad(server: Server, place: Placed, unbounded: boolean): Promise<Load> {
  const tenant = await createTenant(server, 'greedy')
  if (!unbounded) {
    const quota = {
      entity: [{ entity_type: 'user', entity_name: null }],
      ops: [{ key: 'producer_byte_rate', value: quotaBytes }],
    }
    await server.operate('POST', `/v3/clusters/${tenant.clusterId}/client-quotas`, { data: [quota] })
  }
  return loadOf(server, place, tenant, 50_000, (10 * quotaBytes) / 50_000)
}

const loadOf =
  (
    { port }: Server,
    place: Placed,
    tenant: Pick<TenantPlan, 'clusterId' | 'authorization'>,
    bytes: number,
    perSecond: number,
  ): Load =>
  async (seconds) => {
    const plan: TenantPlan = { ...tenant, port, bytes, perSecond, seconds }
    const file = path.join(import.meta.dirname, 'tenantLoad.ts')
    const [command = '', ...rest] = [...place, process.execPath, file, JSON.stringify(plan)]
    const { stdout } = await promisify(execFile)(command, rest, { maxBuffer: outputBytesMax })
    return JSON.parse(stdout)
  }

/** Some 70 bytes for each request that was stored. */
const outputBytesMax = 64 * 1024 * 1024

/** Stretches of time, of each kind. */
interface Windows {
  readonly alone: Stretch[]
  readonly elsewhere: Stretch[]
  readonly beside: Stretch[]
}

interface Stretch {
  readonly fromMs: number
  readonly untilMs: number
}

async function createTenant({ operate }: Server, name: string) {
  const cluster = await operate<{ id: string }>('POST', '/cmk/v2/clusters', { spec: { display_name: name } })
  const clusterId = cluster.id
  // What is known of clusters may be that old.
  await sleep(clustersMaxAgeMs)
  const account = await operate<{ id: string }>('POST', '/iam/v2/service-accounts', { display_name: name })
  const spec = { owner: { id: account.id }, resource: { id: clusterId } }
  const key = await operate<{ id: string; spec: { secret: string } }>('POST', '/iam/v2/api-keys', { spec })
  const acl = {
    resource_type: 'TOPIC',
    resource_name: 't',
    pattern_type: 'LITERAL',
    principal: `User:${account.id}`,
  }
  const binding = { ...acl, host: '*', operation: 'WRITE', permission: 'ALLOW' }
  await operate('POST', `/v3/clusters/${clusterId}/acls`, binding)
  await operate('POST', `/v3/clusters/${clusterId}/topics`, { topic_name: 't', partitions_count: 4 })
  return { clusterId, authorization: basic(key.id, key.spec.secret) }
}

const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

function summary({ stored, failed, refused }: TenantLoad, windows: Windows) {
  if (failed + refused > 0) throw new Error(`the neighbour was refused ${refused} times and failed ${failed}`)
  const within = (stretches: readonly Stretch[]) =>
    figuresOf(
      stored.filter(({ dueMs }) =>
        stretches.some(({ fromMs, untilMs }) => dueMs >= fromMs && dueMs < untilMs),
      ),
    )
  return {
    alone: within(windows.alone),
    elsewhere: within(windows.elsewhere),
    beside: within(windows.beside),
  }
}

function figuresOf(stored: TenantLoad['stored']) {
  const sorted = stored.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b)
  return { stored: sorted.length, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) }
}

const sumOf = (loads: readonly TenantLoad[]) => ({
  ...figuresOf(loads.flatMap(({ stored }) => stored)),
  refused: loads.reduce((sum, { refused }) => sum + refused, 0),
  failed: loads.reduce((sum, { failed }) => sum + failed, 0),
})

async function main(given: Arguments): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-tenants-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const places = placesOf(ownProcessors())
  const [server, elsewhere] = await Promise.all(
    ['server', 'elsewhere'].map((name) => startServer(path.join(directory, name), places.servers)),
  )
  if (!server || !elsewhere) throw new Error('there are two servers')
  const result = await measure({ server, elsewhere, places }, given)
  await Promise.all([server.stop(), elsewhere.stop()])
  const over = (p99Ms: number) => p99Ms / result.alone.p99Ms
  const ratio = over(result.beside.p99Ms)
  const floor = over(result.elsewhere.p99Ms)
  for (const [name, { stored, p50Ms, p99Ms }] of Object.entries(result)) {
    console.log(`${name.padEnd(9)} ${stored} stored; p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`)
  }
  console.log(`the greedy tenant was refused ${result.greedy.refused} times, ${result.greedy.failed} failed`)
  console.log(`\np99 with the greedy tenant elsewhere on the machine over alone: ${floor.toFixed(2)}`)
  console.log(`p99 with the greedy tenant beside over alone: ${ratio.toFixed(2)} (wanted: below ${target})`)
  const isPlaced = places.servers.length > 0
  if (!isPlaced) console.log('servers and loads shared the processors: there is no taskset here')
  if (given.unbounded) return
  if (ratio >= target) process.exitCode = 1
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown', node: process.version }
  const results = path.join(import.meta.dirname, 'results')
  mkdirSync(results, { recursive: true })
  const json = JSON.stringify(
    {
      machine,
      directory: tmpdir(),
      ownProcessors: isPlaced,
      ...given,
      quotaBytes,
      floor,
      ratio,
      target,
      ...result,
    },
    undefined,
    2,
  )
  writeFileSync(path.join(results, 'tenants.json'), `${json}\n`)
}

try {
  const given = parseArguments()
  if (given === undefined) console.log(help)
  else await main(given)
} catch (error) {
  console.error(`The measurement failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
