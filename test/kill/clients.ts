// Producers of the kill loop, over HTTP: plain JSON records, encoded batches, and idempotent ones that send again after
// a restart what was not acknowledged. Each works until the server is gone and notes what was acknowledged. Every value
// is sent under one name of its own, so that a second copy in the log is seen.
import { encodeBatch } from '../../shared/kafka/recordBatch.ts'
import type { Ledger } from './ledger.ts'

export const topicName = 'kill'
export const partitionCount = 4
export const topicPath = `/v3/clusters/local/topics/${topicName}`
export const batchType = 'application/vnd.millrace.recordbatch'

export interface Client {
  /** Sends until the server is gone or it is over; what is under way is sent again first. */
  run(url: string, isOver: () => boolean): Promise<void>
}

interface Answer {
  readonly status: number
  readonly text: string
}

/** undefined: the server was gone before it had answered, so nobody knows. */
async function send(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, { method: 'POST', body, headers })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    // What fetch throws where there is no connection, or none any more.
    if (error instanceof TypeError) return undefined
    throw error
  }
}

const json = { 'content-type': 'application/json' }
const jsonRecord = (partition: number, value: string) =>
  JSON.stringify({ partition_id: partition, value: { type: 'STRING', data: value } })

/** Now and then too large to go into the table, so that objects are written too. */
const padding = (n: number): string => '.'.repeat(n % 5 === 0 ? 9000 : n % 50)

export function createJsonClient(name: string, ledger: Ledger): Client {
  let n = 0
  return {
    async run(url, isOver) {
      while (!isOver()) {
        const value = `${name}-${n++}:${padding(n)}`
        const partition = n % partitionCount
        const answer = await send(`${url}${topicPath}/records`, jsonRecord(partition, value), json)
        if (!answer) return
        const { error_code, offset } = JSON.parse(answer.text)
        if (error_code === 200) ledger.acknowledge(partition, offset, [value])
        else ledger.problem(`${name}: ${answer.text}`)
      }
    },
  }
}

const encode = (values: readonly string[], producer?: { id: bigint; epoch: number; baseSequence: number }) =>
  encodeBatch({
    codec: 'none',
    records: values.map((value) => ({ timestamp: 1, key: null, value: Buffer.from(value), headers: [] })),
    ...(producer ? { producer } : {}),
  })

export function createBatchClient(name: string, ledger: Ledger): Client {
  let n = 0
  return {
    async run(url, isOver) {
      while (!isOver()) {
        const partition = n % partitionCount
        const batches = [1, 3].map((count) =>
          Array.from({ length: count }, () => `${name}-${n++}:${padding(n)}`),
        )
        const body = Uint8Array.from(Buffer.concat(batches.map((values) => encode(values))))
        const path = `${topicPath}/partitions/${partition}/records`
        const answer = await send(url + path, body, { 'content-type': batchType })
        if (!answer) return
        if (answer.status !== 200) return ledger.problem(`${name}: ${answer.text}`)
        const { base_offsets } = JSON.parse(answer.text)
        for (const [i, values] of batches.entries()) ledger.acknowledge(partition, base_offsets[i], values)
      }
    },
  }
}

export interface CompactionClient extends Client {
  /** In all runs that were answered. */
  segmentsWritten(): number
}

/** Has the topic compacted over and over. A partition that a kill interrupted waits a minute for its lease. */
export function createCompactionClient(ledger: Ledger): CompactionClient {
  let segments = 0
  return {
    segmentsWritten: () => segments,
    async run(url, isOver) {
      do {
        const wanted = JSON.stringify({ topic_name: topicName })
        const answer = await send(`${url}/v3/clusters/local/compaction:run`, wanted, json)
        if (!answer) return
        if (answer.status !== 200) return ledger.problem(`compaction: ${answer.text}`)
        const { counters, uncleanable_partitions } = JSON.parse(answer.text)
        segments += counters.segments_written
        if (uncleanable_partitions.length > 0) ledger.problem(`compaction: ${answer.text}`)
      } while (!isOver())
    },
  }
}

/** What an idempotent producer has under way; after a restart it sends the very same again. */
interface Pending {
  readonly baseSequence: number
  readonly values: readonly string[]
}

export function createIdempotentClient(
  name: string,
  partition: number,
  ledger: Ledger,
  asJson: boolean,
): Client {
  let id: number | undefined
  let sequence = 0
  let pending: Pending | undefined

  const post = (url: string, { baseSequence, values }: Pending) => {
    const producer = { id: BigInt(id ?? 0), epoch: 0, baseSequence }
    if (!asJson) {
      const body = Uint8Array.from(encode(values, producer))
      return send(`${url}${topicPath}/partitions/${partition}/records`, body, { 'content-type': batchType })
    }
    const body = values.map((value) => jsonRecord(partition, value)).join('')
    const headers = { 'producer-id': `${id}`, 'producer-epoch': '0', 'producer-seq': `${baseSequence}` }
    return send(`${url}${topicPath}/records`, body, { ...json, ...headers })
  }
  const firstOffset = (text: string): number =>
    asJson ? JSON.parse(text.split('\n', 1)[0] ?? '').offset : JSON.parse(text).base_offsets[0]

  return {
    async run(url, isOver) {
      if (id === undefined) {
        const answer = await send(`${url}/v3/clusters/local/producers`, '', {})
        if (!answer) return
        id = JSON.parse(answer.text).producer_id
      }
      while (pending || !isOver()) {
        pending ??= nextPending(name, sequence)
        ledger.expect(partition, pending.values)
        const answer = await post(url, pending)
        if (!answer) return
        if (answer.status !== 200) return ledger.problem(`${name}: ${answer.text}`)
        ledger.acknowledge(partition, firstOffset(answer.text), pending.values)
        sequence += pending.values.length
        pending = undefined
      }
    },
  }
}

function nextPending(name: string, baseSequence: number): Pending {
  const count = 1 + (baseSequence % 3)
  const values = Array.from(
    { length: count },
    (_, i) => `${name}-${baseSequence + i}:${padding(baseSequence + i)}`,
  )
  return { baseSequence, values }
}
