// One produce request, and what its client knows afterwards of every record in it.
import type { KafkaError } from '../../../shared/base/errors.ts'
import { encodeBatch } from '../../../shared/kafka/recordBatch.ts'
import { ask } from '../client.ts'
import type { ProduceOp, RecordOutcome, SentProducer, SentRecord } from '../history.ts'
import type { SimProcess } from '../process.ts'
import { begin, type Sim } from '../sim.ts'
import { newRecordOf } from './records.ts'

export interface Request {
  readonly topicName: string
  /** Absent: the service chooses, by key. */
  readonly partition?: number
  readonly drafts: readonly SentRecord[]
  readonly producer?: SentProducer
  /** Sent as encoded batches, of this many records each; else record by record. */
  readonly recordsPerBatch?: number
}

export async function send(
  sim: Sim,
  process: SimProcess,
  request: Request,
): Promise<readonly RecordOutcome[]> {
  const { topicName, drafts, producer, partition } = request
  const op = beginProduce(sim, request)
  const sequence = producer ? ` sequence ${producer.id}/${producer.epoch}/${producer.baseSequence}` : ''
  const what = `produce ${topicName}/${partition ?? '*'} ${drafts[0]?.id}+${drafts.length}${sequence}`
  const answer = await ask(sim, process, what, op, () => call(process, request))
  if (answer.kind === 'ok') op.outcomes = answer.value
  else if (answer.kind === 'lost') op.outcomes = drafts.map(() => ({ kind: 'unknown', why: answer.why }))
  else op.outcomes = drafts.map(() => refusedOutcome(answer.error))
  countOutcomes(sim, op.outcomes)
  return op.outcomes
}

export function beginProduce(sim: Sim, { topicName, drafts, producer }: Request): ProduceOp {
  const op: ProduceOp = {
    kind: 'produce',
    ...begin(sim),
    topicName,
    recordIds: drafts.map(({ id }) => id),
    ...(producer ? { producer } : {}),
    outcomes: drafts.map(() => ({ kind: 'unknown', why: 'no answer yet' })),
  }
  sim.history.push(op)
  return op
}

const call = (process: SimProcess, request: Request): Promise<readonly RecordOutcome[]> =>
  request.recordsPerBatch === undefined ? callRecords(process, request) : callBatches(process, request)

async function callRecords(process: SimProcess, request: Request): Promise<readonly RecordOutcome[]> {
  const { topicName, drafts, producer, partition } = request
  const records = drafts.map((draft) => ({
    ...newRecordOf(draft),
    ...(partition === undefined ? {} : { partition }),
  }))
  const outcomes = await process.cluster.produceRecords(topicName, records, producer)
  return outcomes.map((outcome): RecordOutcome => {
    if (!outcome.ok) return refusedOutcome(outcome.error)
    return { kind: 'ok', partition: outcome.partition, offset: outcome.offset, duplicate: outcome.duplicate }
  })
}

async function callBatches(process: SimProcess, request: Request): Promise<readonly RecordOutcome[]> {
  const { topicName, drafts, producer, partition = 0, recordsPerBatch = 1 } = request
  const groups: (readonly SentRecord[])[] = []
  for (let at = 0; at < drafts.length; at += recordsPerBatch)
    groups.push(drafts.slice(at, at + recordsPerBatch))
  let sequence = producer?.baseSequence ?? 0
  const body = groups.map((group) => {
    const batch = encodeBatch({
      records: group.map(newRecordOf),
      codec: group.length === 3 ? 'gzip' : 'none',
      ...(producer ? { producer: { id: producer.id, epoch: producer.epoch, baseSequence: sequence } } : {}),
    })
    sequence += group.length
    return batch
  })
  const { baseOffsets, duplicate } = await process.cluster.produceBatches(
    topicName,
    partition,
    new Uint8Array(Buffer.concat(body)),
  )
  return groups.flatMap((group, i) =>
    group.map((_, j): RecordOutcome => {
      return { kind: 'ok', partition, offset: (baseOffsets[i] ?? Number.NaN) + j, duplicate }
    }),
  )
}

/** A duplicate whose offset is forgotten is stored all the same. */
function refusedOutcome(error: KafkaError): RecordOutcome {
  const stored = error.code === 'DUPLICATE_SEQUENCE_NUMBER'
  if (stored || error.row.effect === 'unknown') return { kind: 'unknown', why: error.code }
  const expected = error.details.expectedSequence
  return {
    kind: 'none',
    code: error.code,
    ...(typeof expected === 'number' ? { expectedSequence: expected } : {}),
  }
}

export function countOutcomes({ counters }: Sim, outcomes: readonly RecordOutcome[]): void {
  const [first] = outcomes
  if (!first) return
  if (first.kind === 'ok') counters.count(first.duplicate ? 'duplicate' : 'acked')
  else if (first.kind === 'none') counters.count(refusalCounter(first.code))
  else counters.count(first.why === 'REQUEST_TIMED_OUT' ? 'unknownUnresolved' : 'clientGaveUp')
}

function refusalCounter(code: string): 'gap' | 'fenced' | 'refused' {
  if (code === 'OUT_OF_ORDER_SEQUENCE_NUMBER') return 'gap'
  return code === 'INVALID_PRODUCER_EPOCH' ? 'fenced' : 'refused'
}
