// `npm run cost`: what a deployment costs at AWS's list prices. What operations consume is counted on the engine
// itself, with its storage in memory; what bills by the month is counted in the templates of the stage prod.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { cost } from '../infra/cost.ts'
import { Millrace } from '../infra/index.ts'
import { prices, pricesByBytes, pricesByMonth } from '../infra/prices.ts'
import { stages } from '../infra/stages.ts'
import { gauges } from '../shared/runtime/metrics.ts'
import {
  append,
  appendTogether,
  createCounted,
  measureIdle,
  measureLongPoll,
  measureMerge,
  type Units,
} from './costUnits.ts'

/** What nobody counted: one or two lines for each request, and what an idle pass takes and prints. */
const assumed = { requestLogBytes: 500, passLogBytes: 1500, passSeconds: 0.1 }

const million = 1_000_000
const kibibyte = 1024
const mebibyte = 1024 * kibibyte
const minutesOfMonth = 30 * 24 * 60
const collectEveryMinutes = 10
const times = 400

const usd = (amount: number, digits = 2): string => amount.toFixed(digits).padStart(12)
const line = (title: string, amounts: readonly number[], digits = 2): void =>
  console.log(title.padEnd(46) + amounts.map((amount) => usd(amount, digits)).join(''))
const head = (title: string, columns: readonly string[]): void =>
  console.log(`\n${title.padEnd(46)}${columns.map((column) => column.padStart(12)).join('')}`)

const storageOf = ({ puts, gets, writeUnits, readUnits }: Units) => ({
  s3: puts * prices.s3Put + gets * prices.s3Get,
  table: writeUnits * prices.tableWriteUnit + readUnits * prices.tableReadUnit,
})

/** `units` of all the requests that were sent together. */
function requestLine(title: string, units: Units, together = 1): void {
  const { s3, table } = storageOf(units)
  const shares = [
    s3 / together,
    table / together,
    prices.frontDoorRequest,
    assumed.requestLogBytes * prices.logByte,
  ].map((amount) => amount * million)
  line(title, [...shares, shares.reduce((sum, share) => sum + share)])
}

async function showRequests(): Promise<void> {
  head('a million requests, USD', ['S3', 'table', 'front door', 'log', 'together'])
  const counted = await createCounted()
  const { perTime } = counted
  requestLine('produce 1 KiB', await perTime(times, append(counted, 1, kibibyte)))
  requestLine('produce 16 KiB', await perTime(times, append(counted, 1, 16 * kibibyte)))
  requestLine(
    'produce 16 KiB to each of 16 partitions',
    await perTime(times, append(counted, 16, 16 * kibibyte)),
  )
  requestLine('produce 1 KiB, 50 at once', await perTime(times, appendTogether(counted, 50, kibibyte)), 50)
  const waitMs = 30_000
  requestLine('fetch that waits 30 s for nothing', await measureLongPoll(counted, waitMs))
}

async function showBytes(): Promise<void> {
  head('a gibibyte, USD', [''])
  const bytesLine = (title: string, amount: number) => line(title, [amount], 3)
  bytesLine('in, from the front door to a function', pricesByBytes.intoFunctions)
  bytesLine('out to the world', pricesByBytes.outToTheWorld)
  for (const objectBytes of [512 * kibibyte, 64 * kibibyte]) {
    const { s3, table } = storageOf(await measureMerge(objectBytes, 32 * mebibyte))
    bytesLine(`merged once, from objects of ${objectBytes / kibibyte} KiB`, s3 + table)
  }
  const { recoveryDays } = prodSettings()
  const keptMonths = recoveryDays / 30
  bytesLine(`kept ${recoveryDays} days after it was merged (prod)`, pricesByBytes.s3Month * keptMonths)
  bytesLine('stored for a month', pricesByBytes.s3Month)
  const tableMonth = pricesByBytes.tableMonth + pricesByBytes.tableRecoveryMonth
  bytesLine('of the table, with its recovery, for a month', tableMonth)
}

async function showIdle(): Promise<void> {
  head('an idle month of prod, USD', [''])
  const passes = minutesOfMonth / cost.compactionRateMinutes
  const collections = minutesOfMonth / collectEveryMinutes
  const { pass, collection, operations } = await measureIdle()
  const storage = (units: Units) => storageOf(units).s3 + storageOf(units).table
  const seconds = assumed.passSeconds * (cost.compactorMemoryMb / 1024) * prices.eventFunctionSecond
  const one = prices.scheduledEvent + prices.eventFunctionRequest + seconds
  const resources = resourcesOfProd()
  const keys = resources.filter(({ Type }) => Type === 'AWS::KMS::Key').length
  const secrets = resources.filter(({ Type }) => Type === 'AWS::SecretsManager::Secret').length
  const dashboards = resources.filter(({ Type }) => Type === 'AWS::CloudWatch::Dashboard').length
  // Its calls' times and its gauges are written whether or not there was something to do.
  const metrics = operations + Object.keys(gauges).length
  const alarmMetrics = resources.reduce((sum, resource) => sum + alarmMetricsOf(resource), 0)
  const rows: readonly (readonly [string, number])[] = [
    ['key', keys * pricesByMonth.kmsKey],
    [`${secrets} secrets`, secrets * pricesByMonth.secret],
    [`alarms on ${alarmMetrics} metrics`, alarmMetrics * pricesByMonth.alarmMetric],
    ['dashboard', dashboards * pricesByMonth.dashboard],
    [`${metrics} metrics of the compactor`, metrics * pricesByMonth.metric],
    ['compactor: events and time', passes * one],
    ['compactor: table and bucket', passes * storage(pass) + collections * storage(collection)],
    ['compactor: log', passes * assumed.passLogBytes * prices.logByte],
  ]
  for (const [title, amount] of rows) line(title, [amount])
  line('together', [rows.reduce((sum, [, amount]) => sum + amount, 0)])
}

function prodSettings() {
  const { prod } = stages
  if (prod === undefined) throw new Error('infra/stages.ts has no stage prod')
  return prod
}

interface Resource {
  readonly Type: string
  readonly Properties?: { readonly Metrics?: readonly { readonly MetricStat?: object }[] }
}

function resourcesOfProd(): readonly Resource[] {
  const outdir = mkdtempSync(join(tmpdir(), 'millrace-cost-'))
  const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } })
  const { data, service, jobs, observability } = new Millrace(app, 'Millrace', prodSettings())
  const resources = [data.stack, service.stack, jobs.stack, observability].flatMap((stack) =>
    Object.values<Resource>(Template.fromStack(stack).toJSON().Resources),
  )
  rmSync(outdir, { recursive: true })
  return resources
}

/** An alarm bills by the metrics that it is computed from. */
function alarmMetricsOf({ Type, Properties }: Resource): number {
  if (Type !== 'AWS::CloudWatch::Alarm') return 0
  return Properties?.Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1
}

function showCompute(): void {
  const request = prices.eventFunctionRequest * million
  const millisecond = (prices.eventFunctionSecond / 1000) * (cost.eventMemoryMb / 1024) * million
  console.log(`
The functions' compute comes on top. Web Functions: their rates are not known. Event functions:
${request.toFixed(2)} a million, and ${millisecond.toFixed(4)} more for each millisecond that a request takes.`)
}

await showRequests()
showCompute()
await showBytes()
await showIdle()
