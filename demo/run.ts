// The tour itself: topics, records in, records out twice, and whether each partition gave back what was sent.

import { connect, type Target, topicPath } from './client.ts'
import { type Consume, consumeBatches, consumeJson } from './consume.ts'
import { type DemoRecord, loadDelays, loadEarthquakes, loadFlights } from './dataSets.ts'
import { type Produce, produceBatches, produceStream, produceV2 } from './produce.ts'
import type { Screen } from './screen.ts'
import { bytesOf, type StoredRecord, type Tally, tallyAcknowledged, tallyInOrder } from './tally.ts'

export interface RunRequest {
  readonly url: string
  /** Of each data set. */
  readonly recordsMax: number
  readonly keep: boolean
  /** Ends the run; topics are still deleted. */
  readonly signal: AbortSignal
}

export interface PartitionResult {
  readonly dataSet: string
  readonly partition: number
  readonly sent: Tally
  readonly json: Tally
  readonly batches: Tally
  readonly ok: boolean
}

interface Part {
  readonly name: string
  readonly dialect: string
  readonly load: (recordsMax: number) => Promise<readonly DemoRecord[]>
  readonly produce: Produce
}

const partitionCount = 6

const parts: readonly Part[] = [
  { name: 'flights', dialect: 'v3 stream', load: loadFlights, produce: produceStream },
  { name: 'delays', dialect: 'batches', load: loadDelays, produce: produceBatches },
  { name: 'earthquakes', dialect: 'v2 JSON', load: loadEarthquakes, produce: produceV2 },
]

type Found = readonly (readonly StoredRecord[])[]

export async function run(request: RunRequest, screen: Screen): Promise<readonly PartitionResult[]> {
  const client = await connect(request.url, request.signal)
  // Another run on the same server has topics of its own.
  const runId = Date.now().toString(36)
  const created: Target[] = []
  const results: PartitionResult[] = []
  try {
    for (const part of parts) {
      const target = { client, topicName: `demo-${part.name}-${runId}`, partitionCount }
      await createTopic(target)
      created.push(target)
      results.push(...(await tour(part, target, request.recordsMax, screen)))
    }
  } catch (error) {
    // The first failure is the one to tell, and the server may be gone.
    if (!request.keep) await deleteTopics(created, request.url).catch(() => tellTopics(created, screen))
    throw error
  }
  if (request.keep) tellTopics(created, screen)
  else await deleteTopics(created, request.url)
  return results
}

function tellTopics(targets: readonly Target[], screen: Screen): void {
  screen.line(`\nLeft in place: ${targets.map(({ topicName }) => topicName).join(', ')}`)
}

async function tour(
  { name, dialect, load, produce }: Part,
  target: Target,
  recordsMax: number,
  screen: Screen,
): Promise<readonly PartitionResult[]> {
  const records = await load(recordsMax)
  const sent = await watch(screen, `${name} > ${dialect}`, records.length, (add) =>
    produce(target, records, add),
  )
  const read = (label: string, consume: Consume) =>
    watch(screen, `${name} < ${label}`, records.length, (add) => consume(target, add))
  const json = await read('v3 consume', consumeJson)
  const batches = await read('batches', consumeBatches)
  return sent.map((own, partition) => {
    return compare(name, partition, own, json[partition] ?? [], batches[partition] ?? [])
  })
}

export function compare(
  dataSet: string,
  partition: number,
  acknowledged: readonly StoredRecord[],
  readAsJson: readonly StoredRecord[],
  readAsBatches: readonly StoredRecord[],
): PartitionResult {
  const sent = tallyAcknowledged(acknowledged)
  const json = tallyInOrder(readAsJson)
  const batches = tallyInOrder(readAsBatches)
  const ok = sent.checksum === json.checksum && sent.checksum === batches.checksum
  return { dataSet, partition, sent, json, batches, ok }
}

async function watch(
  screen: Screen,
  label: string,
  total: number,
  work: (add: (partition: number, record: StoredRecord) => void) => Promise<void>,
): Promise<Found> {
  const found: StoredRecord[][] = Array.from({ length: partitionCount }, () => [])
  const step = screen.step(label, total)
  try {
    await work((partition, record) => {
      const own = found[partition]
      if (own === undefined) throw new Error(`there is no partition ${partition}`)
      own.push(record)
      step.add(1, bytesOf(record))
    })
  } finally {
    step.done()
  }
  return found
}

async function createTopic({ client, topicName }: Target): Promise<void> {
  await client.sendJson('POST', `/v3/clusters/${encodeURIComponent(client.clusterId)}/topics`, {
    topic_name: topicName,
    partitions_count: partitionCount,
    // The records are years old; retention by time would take them while they are read.
    configs: [{ name: 'retention.ms', value: '-1' }],
  })
}

// With a signal of its own: an interrupted run cleans up too.
async function deleteTopics(targets: readonly Target[], url: string): Promise<void> {
  const { signal } = new AbortController()
  const client = await connect(url, signal)
  for (const { topicName } of targets) await client.send('DELETE', topicPath({ client, topicName }))
}
