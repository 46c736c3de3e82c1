// Idempotent append over plain HTTP: the body is one unit that is read whole, so that a retry makes the
// same batch, and that goes to one partition, because sequences count within one. Refuses a body with any
// record that it cannot append.
// Of a refused sequence the answer says what would have been accepted.

import { invariant, KafkaError } from '../base/errors.ts'
import type { GiveWay } from '../ports/giveWay.ts'
import type { Cluster, ProducerState, RecordOutcome } from '../service/cluster.ts'
import { type BeginWork, doWork } from './bodies/work.ts'
import { errorBody } from './errors.ts'
import { jsonAnswer } from './rawRoute.ts'
import { isObject, parseJson } from './wire/json.ts'
import { createObjectSplitter } from './wire/jsonStream.ts'
import { emptyBody, recordDepthMax } from './wire/recordStream.ts'
import { parseV3Record, renderReport, reportPrefix, type V3Record } from './wire/v3Record.ts'

/** A batch is encoded from all of them at once. */
export const idempotentRecordsMax = 10_000

const headerNames = ['producer-id', 'producer-epoch', 'producer-seq'] as const

/** undefined: none of the headers is there. */
export function parseProducer(header: (name: string) => string | undefined): ProducerState | undefined {
  const [id, epoch, sequence] = headerNames.map(header)
  if (id === undefined && epoch === undefined && sequence === undefined) return undefined
  if (id === undefined || epoch === undefined || sequence === undefined) {
    throw new KafkaError('BAD_REQUEST', 'Producer-Id, Producer-Epoch and Producer-Seq go together')
  }
  return {
    id: parseCount('Producer-Id', id, 0x7fff_ffff_ffff_ffffn),
    epoch: Number(parseCount('Producer-Epoch', epoch, 0x7fffn)),
    baseSequence: Number(parseCount('Producer-Seq', sequence, 0x7fff_ffffn)),
  }
}

function parseCount(name: string, text: string, max: bigint): bigint {
  const value = /^(0|[1-9]\d{0,18})$/.test(text) ? BigInt(text) : -1n
  if (value >= 0n && value <= max) return value
  throw new KafkaError('BAD_REQUEST', `${name} is not an integer from 0 to ${max}`)
}

export interface IdempotentAppend {
  readonly cluster: Cluster
  readonly topicName: string
  readonly producer: ProducerState
  readonly beginWork: BeginWork
  readonly answer: (reports: string) => Promise<Response>
}

export async function appendIdempotently(request: IdempotentAppend, body: Uint8Array): Promise<Response> {
  const { cluster, topicName, producer, beginWork, answer } = request
  const records = await doWork(beginWork, (giveWay) => parseAll(giveWay, body))
  const partition = await onePartition(cluster, topicName, records)
  const toProduce = records.map(({ record }) => ({ ...record, partition }))
  try {
    const outcomes = await cluster.produceRecords(topicName, toProduce, producer)
    const prefix = reportPrefix(cluster.clusterId, topicName)
    const reports = await doWork(beginWork, (giveWay) => renderAll(giveWay, outcomes, records, prefix))
    return await answer(reports)
  } catch (error) {
    const { expectedSequence } = error instanceof KafkaError ? error.details : {}
    if (!(error instanceof KafkaError) || expectedSequence === undefined) throw error
    const headers = { 'producer-expected-seq': String(expectedSequence) }
    return jsonAnswer(JSON.stringify(errorBody(error)), headers, error.row.status)
  }
}

async function parseAll(giveWay: GiveWay, body: Uint8Array): Promise<readonly V3Record[]> {
  const splitter = createObjectSplitter({ objectBytesMax: body.length, depthMax: recordDepthMax })
  const records: V3Record[] = []
  for (const object of splitter.push(body)) {
    if (records.length === idempotentRecordsMax) {
      throw new KafkaError(
        'RECORD_LIST_TOO_LARGE',
        `an idempotent append takes at most ${idempotentRecordsMax} records`,
      )
    }
    invariant(object.kind === 'object', 'no object is larger than the body that holds it')
    const where = `at byte ${object.position}, after ${records.length} records`
    const { text, value } = parseJson(object.bytes, where)
    if (!isObject(value)) throw new KafkaError('BAD_REQUEST', `the record ${where} is not an object`)
    records.push(parseV3Record(value, text, { start: 0, end: text.length }))
    const turn = giveWay()
    if (turn !== undefined) await turn
  }
  splitter.end()
  if (records.length === 0) throw emptyBody()
  return records
}

async function onePartition(
  cluster: Cluster,
  topicName: string,
  records: readonly V3Record[],
): Promise<number> {
  const first = records[0]?.record.partition
  if (records.some(({ record }) => record.partition !== first)) throw notOnePartition()
  if (first !== undefined) return first
  const { partitionCount } = await cluster.describeTopic(topicName)
  if (partitionCount === 1) return 0
  throw notOnePartition()
}

function notOnePartition(): KafkaError {
  const why = 'a key or a free choice could lead a retry elsewhere'
  return new KafkaError(
    'BAD_REQUEST',
    `an idempotent append names one partition_id in all its records: ${why}`,
  )
}

async function renderAll(
  giveWay: GiveWay,
  outcomes: readonly RecordOutcome[],
  records: readonly V3Record[],
  prefix: string,
): Promise<string> {
  const failed = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.error]))
  // One record's refusal is every record's; the others only say that there is one.
  const cause = failed.find(({ code }) => code !== 'INVALID_REQUEST') ?? failed[0]
  if (cause !== undefined) throw cause
  let reports = ''
  for (const [index, record] of records.entries()) {
    const outcome = outcomes[index]
    invariant(outcome !== undefined, 'every record that was appended has an outcome')
    reports += `${renderReport(outcome, record, prefix)}\n`
    const turn = giveWay()
    if (turn !== undefined) await turn
  }
  return reports
}
