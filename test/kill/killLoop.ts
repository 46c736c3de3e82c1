// Kills what serves the log under load again and again, starts it on the same storage and looks whether everything that
// was acknowledged is there: read back as encoded batches, and as JSON too at the end.
import { decodeRecords, splitBatches } from '../../shared/kafka/recordBatch.ts'
import type { ServerProcess } from '../support/serverProcess.ts'
import {
  batchType,
  createBatchClient,
  createCompactionClient,
  createIdempotentClient,
  createJsonClient,
  partitionCount,
  topicName,
  topicPath,
} from './clients.ts'
import { createLedger, type Ledger, type ReadRecord } from './ledger.ts'

export interface KillLoopOptions {
  /** On the storage of the one before. */
  readonly start: () => Promise<ServerProcess>
  readonly rounds: number
  /** Its topic is compacted all the while; on AWS no request asks for that. */
  readonly compacts: boolean
  readonly report: (line: string) => void
}

export interface KillLoopSummary {
  readonly acknowledged: number
  readonly stored: number
  readonly segmentsWritten: number
  readonly problems: readonly string[]
}

const loadMsMin = 50
const loadMsMax = 600
/** Of long loops: what is read back grows with every round. */
const readBacksMax = 50
/** Beyond it the loop has seen enough. */
const problemsMax = 20

export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopSummary> {
  const { start, rounds, compacts, report } = options
  const ledger = createLedger()
  const compaction = createCompactionClient(ledger)
  const clients = [...createClients(ledger), ...(compacts ? [compaction] : [])]
  let stored = 0
  for (let round = 1; round <= rounds && ledger.problems.length < problemsMax; round++) {
    const server = await start()
    if (round === 1) await createTopic(server)
    const readsBack = round % Math.ceil(rounds / readBacksMax) === 0
    if (readsBack) stored = await readBack(server, ledger, readBatches)
    const before = ledger.acknowledged
    const loadMs = Math.round(loadMsMin + Math.random() * (loadMsMax - loadMsMin))
    const work = clients.map((client) => client.run(server.url, () => false))
    await new Promise((resolve) => setTimeout(resolve, loadMs))
    await server.kill()
    await Promise.all(work)
    const mine = ledger.acknowledged - before
    report(
      `round ${round} of ${rounds}: ${mine} records acknowledged, killed after ${loadMs} ms, ${stored} found`,
    )
  }
  const server = await start()
  await Promise.all(clients.map((client) => client.run(server.url, () => true)))
  stored = await readBack(server, ledger, readBatches, true)
  const asJson = await readBack(server, ledger, readJson, true)
  if (asJson !== stored) ledger.problem(`${stored} records are read as batches and ${asJson} as JSON`)
  const { code, stderr } = await server.stop()
  if (code !== 0) ledger.problem(`the server ended with code ${code}: ${stderr}`)
  const segmentsWritten = compaction.segmentsWritten()
  return { acknowledged: ledger.acknowledged, stored, segmentsWritten, problems: ledger.problems }
}

const createClients = (ledger: Ledger) => [
  ...[0, 1, 2, 3].map((i) => createJsonClient(`json${i}`, ledger)),
  ...[0, 1, 2].map((i) => createBatchClient(`batch${i}`, ledger)),
  ...[0, 1, 2, 3].map((i) => createIdempotentClient(`idempotent${i}`, i, ledger, i % 2 === 1)),
]

async function createTopic(server: ServerProcess): Promise<void> {
  const response = await fetch(`${server.url}/v3/clusters/local/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic_name: topicName, partitions_count: partitionCount }),
  })
  if (!response.ok) throw new Error(`the topic was not created: ${await response.text()}`)
}

interface ReadPage {
  readonly records: readonly ReadRecord[]
  readonly nextOffset: number
  readonly highWatermark: number
}

type Read = (url: string) => Promise<ReadPage>

async function readBack(server: ServerProcess, ledger: Ledger, read: Read, final = false): Promise<number> {
  let count = 0
  for (let partition = 0; partition < partitionCount; partition++) {
    const records: ReadRecord[] = []
    for (let offset = 0; ; ) {
      const page = await read(`${server.url}${topicPath}/partitions/${partition}/records?offset=${offset}`)
      for (const record of page.records) records.push(record)
      if (page.nextOffset >= page.highWatermark) break
      if (page.nextOffset <= offset)
        throw new Error(`partition ${partition} cannot be read beyond offset ${offset}`)
      offset = page.nextOffset
    }
    ledger.check(partition, records, final)
    count += records.length
  }
  return count
}

async function readBatches(url: string): Promise<ReadPage> {
  const response = await fetch(url, { headers: { accept: batchType } })
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`)
  const batches = splitBatches(new Uint8Array(await response.arrayBuffer()))
  const records = batches.flatMap((batch) =>
    decodeRecords(batch, 1 << 26).map(({ offset, value }) => ({
      offset,
      value: Buffer.from(value ?? []).toString(),
    })),
  )
  const header = (name: string) => Number(response.headers.get(`millrace-${name}`))
  return { records, nextOffset: header('next-offset'), highWatermark: header('high-watermark') }
}

async function readJson(url: string): Promise<ReadPage> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`)
  const { records, next_offset, high_watermark } = JSON.parse(await response.text())
  return { records, nextOffset: next_offset, highWatermark: high_watermark }
}
