// Measures one row: a fresh Millrace, a warm-up, then slices of the floor and of the server in turn, so that
// whatever else the machine does falls on both.

import { type Figures, figuresOf, type RowResult } from './figures.ts'
import type { FsyncPlan } from './fsyncWorker.ts'
import { type Load, runLoad, runWorker } from './load.ts'
import { createTopic, getRequest, postRequest, recordBatch } from './requests.ts'
import type { LoadRow, MemoryRow, Row, Workload } from './rows.ts'
import { type MeasuredServer, startMillrace } from './server.ts'
import type { TailPlan } from './tailWorker.ts'

export interface Bench {
  /** Everything that is written goes here. */
  readonly directory: string
  readonly seconds: number
  readonly floorServer: MeasuredServer
}

const warmUpSeconds = 1
const sliceCount = 3
const unbounded = Number.POSITIVE_INFINITY
const mebibyte = 1024 * 1024

export async function measureRow(bench: Bench, row: Row): Promise<RowResult> {
  const server = await startMillrace(bench.directory)
  try {
    const { name, title } = row
    const measured = await measurers(bench, server, row)
    const peakMemoryMiB = Math.round((await server.peakMemoryBytes()) / mebibyte)
    return { name, title, peakMemoryMiB, ...measured }
  } finally {
    await server.stop()
  }
}

type Measured = Omit<RowResult, 'name' | 'title' | 'peakMemoryMiB'>

function measurers(bench: Bench, server: MeasuredServer, row: Row): Promise<Measured> {
  if (row.kind === 'load') return measureLoad(bench, server, row)
  if (row.kind === 'tail') return measureTail(bench, server)
  return measureMemory(server, row)
}

const floorWords = {
  fsync: 'of writing and syncing files of this size one by one',
  bare: 'of a bare server that reads the body',
  static: 'of a bare server that answers as many bytes',
} as const

async function measureLoad(bench: Bench, { port }: MeasuredServer, row: LoadRow): Promise<Measured> {
  const workload = await row.setUp(port)
  const { connections, requestBytes, checkStored } = workload
  const loadServer = (seconds: number) => runLoad({ port, connections, seconds, requestsMax: unbounded })
  const loadFloor = createFloor(bench, row, workload)
  const { slices, floorSlices, requests } = await takeTurns(bench.seconds, loadServer, loadFloor)
  await checkStored(requests)
  const server = figuresOf(slices, requestBytes)
  const floor = figuresOf(floorSlices, requestBytes)
  const unit = row.compare === 'megabytesPerSecond' ? 'MB/s' : 'requests/s'
  return {
    server,
    floor,
    comparison: `${unit} ${floorWords[row.floor]}`,
    ratio: server[row.compare] / floor[row.compare],
    target: row.target,
  }
}

type LoadFor = (seconds: number) => Promise<Load>

function createFloor(bench: Bench, row: LoadRow, { connections, requestBytes }: Workload): LoadFor {
  const { port } = bench.floorServer
  const load = (requests: (sent: Uint8Array) => Uint8Array) => (seconds: number) => {
    const same = connections.map(([first]) => (first === undefined ? [] : [requests(first)]))
    return runLoad({ port, connections: same, seconds, requestsMax: unbounded })
  }
  if (row.floor === 'fsync') return syncFiles(bench.directory, requestBytes)
  if (row.floor === 'static') return load(() => getRequest(`/${requestBytes}`, '*/*'))
  return load((sent) => postRequest('/', 'application/octet-stream', bodyOf(sent)))
}

const syncFiles = (directory: string, fileBytes: number): LoadFor => {
  return (seconds) => runWorker<FsyncPlan, Load>('./fsyncWorker.ts', { directory, fileBytes, seconds })
}

function bodyOf(request: Uint8Array): Uint8Array {
  const headEnd = '\r\n\r\n'
  return request.subarray(Buffer.from(request.buffer).indexOf(headEnd, request.byteOffset) + headEnd.length)
}

async function takeTurns(seconds: number, loadServer: LoadFor, loadFloor: LoadFor) {
  await loadFloor(warmUpSeconds)
  const warmUp = await loadServer(warmUpSeconds)
  const slices: Load[] = []
  const floorSlices: Load[] = []
  for (let slice = 0; slice < sliceCount; slice++) {
    floorSlices.push(await loadFloor(seconds / sliceCount))
    slices.push(await loadServer(seconds / sliceCount))
  }
  const requests = [warmUp, ...slices].reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0)
  return { slices, floorSlices, requests }
}

const tailIntervalMs = 10

async function measureTail(bench: Bench, { port }: MeasuredServer): Promise<Measured> {
  const batch = recordBatch(1, 100)
  const loadServer = async (seconds: number) => {
    const topic = `tail-${performance.now()}`
    await createTopic(port, topic, 1)
    const plan = { port, topic, batch, intervalMs: tailIntervalMs, seconds }
    return runWorker<TailPlan, Load>('./tailWorker.ts', plan)
  }
  const loadFloor = syncFiles(bench.directory, batch.length)
  const { slices, floorSlices } = await takeTurns(bench.seconds, loadServer, loadFloor)
  const server = figuresOf(slices, batch.length)
  const floor = figuresOf(floorSlices, batch.length)
  const comparison = 'p50 of writing and syncing one file of this size, over p50'
  return { server, floor, comparison, ratio: floor.p50Ms / server.p50Ms, target: undefined }
}

async function measureMemory(server: MeasuredServer, row: MemoryRow): Promise<Measured> {
  const { connections, requestBytes, checkStored } = await row.setUp(server.port)
  const requestsMax = Math.ceil(row.bytes / requestBytes)
  const load = await runLoad({ port: server.port, connections, seconds: unbounded, requestsMax })
  await checkStored(load.latenciesMs.length)
  const peakMiB = (await server.peakMemoryBytes()) / mebibyte
  const figures: Figures = figuresOf([load], requestBytes)
  return {
    server: figures,
    floor: undefined,
    comparison: `peak resident memory of ${row.limitMiB} MiB`,
    ratio: peakMiB / row.limitMiB,
    target: { kind: 'atMost', ratio: 1 },
  }
}
