import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHistory } from './checkers/check.ts'
import type { StoredLog, StoredRecord } from './checkers/storedLog.ts'
import type {
  CreateTopicOp,
  DeleteRecordsOp,
  DeleteTopicOp,
  FetchAnswer,
  FetchOp,
  ListOffsetOp,
  Op,
  ProduceOp,
  RecordOutcome,
} from './history.ts'
import type { Incarnation } from './watch.ts'

const always = Number.POSITIVE_INFINITY

const topic: Incarnation = { topicName: 't', topicId: 'one', bornAt: 0, diedAt: always, sequencers: [] }

const logOf = (records: readonly StoredRecord[], changes: Partial<StoredLog> = {}): StoredLog => ({
  topicName: 't',
  topicId: 'one',
  partition: 0,
  bornAt: 0,
  diedAt: always,
  logStartOffset: 0,
  records,
  ...changes,
})

const plain = (...ids: readonly string[]): readonly StoredRecord[] => ids.map((id) => ({ id, timestamp: 0 }))

const at = (offset: number): RecordOutcome & { readonly kind: 'ok' } => ({
  kind: 'ok',
  partition: 0,
  offset,
  duplicate: false,
})
const none: RecordOutcome = { kind: 'none', code: 'KAFKA_STORAGE_ERROR' }
const unknown: RecordOutcome = { kind: 'unknown', why: 'REQUEST_TIMED_OUT' }

const produce = (id: string, [invoked, ended]: Span, outcome: RecordOutcome): ProduceOp => ({
  kind: 'produce',
  invoked,
  ended,
  topicName: 't',
  recordIds: [id],
  outcomes: [outcome],
})

type Span = readonly [number, number]

const sequenced = (op: ProduceOp, id: bigint, baseSequence: number): ProduceOp => ({
  ...op,
  producer: { id, epoch: 0, baseSequence, partition: 0 },
})

const fetch = ([invoked, ended]: Span, answer: Partial<FetchAnswer & { kind: 'read' }>): FetchOp => ({
  kind: 'fetch',
  invoked,
  ended,
  topicName: 't',
  answers: [
    { kind: 'read', partition: 0, asked: 0, logStartOffset: 0, highWatermark: 1, records: [], ...answer },
  ],
})

const list = ([invoked, ended]: Span, spec: ListOffsetOp['spec'], offset: number): ListOffsetOp => ({
  kind: 'listOffset',
  invoked,
  ended,
  topicName: 't',
  partition: 0,
  spec,
  offset,
})

const created: CreateTopicOp = {
  kind: 'createTopic',
  invoked: -1,
  ended: 1,
  topicName: 't',
  outcome: 'ok',
  topicId: 'one',
}

const deleted: DeleteTopicOp = { kind: 'deleteTopic', invoked: 50, ended: 60, topicName: 't', outcome: 'ok' }

function check(
  logs: readonly StoredLog[],
  history: readonly Op[],
  incarnations: readonly Incarnation[] = [topic],
): readonly string[] {
  return checkHistory([created, ...history], { logs, problems: [] }, incarnations)
}

function expect(problems: readonly string[], pattern: RegExp): void {
  assert.ok(
    problems.some((problem) => pattern.test(problem)),
    `${pattern} is not in: ${problems.join('; ')}`,
  )
}

test('a history in which all is well passes', () => {
  const records = [
    { id: 'a', timestamp: 5 },
    { id: 'b', timestamp: 9, producer: { id: 7n, epoch: 0, sequence: 0 } },
    { id: 'c', timestamp: 7, producer: { id: 7n, epoch: 0, sequence: 1 } },
  ]
  const history = [
    produce('a', [2, 3], at(0)),
    sequenced(produce('b', [4, always], unknown), 7n, 0),
    sequenced(produce('b', [5, 6], { ...at(1), duplicate: true }), 7n, 0),
    sequenced(produce('c', [7, 8], at(2)), 7n, 1),
    produce('d', [7, 8], none),
    fetch([9, 10], {
      highWatermark: 3,
      asked: 1,
      records: [
        { offset: 1, id: 'b' },
        { offset: 2, id: 'c' },
      ],
    }),
    list([11, 12], 6, 1),
    list([11, 12], 'maxTimestamp', 1),
    list([11, 12], 10, -1),
    list([11, 12], 'latest', 3),
  ]
  assert.deepEqual(check([logOf(records)], history), [])
})

test('an acknowledged record that is not at its offset is found', () => {
  expect(check([logOf(plain('a'))], [produce('b', [2, 3], at(0))]), /b was acknowledged .* not there/)
})

test('a record that was refused without effect and is stored is found', () => {
  expect(check([logOf(plain('a'))], [produce('a', [2, 3], none)]), /a was refused without effect/)
})

test('a record that is stored twice is found, in one log and in two', () => {
  const history = [produce('a', [2, always], unknown)]
  expect(check([logOf(plain('a', 'a'))], history), /a is stored twice/)
  expect(check([logOf(plain('a')), logOf(plain('a'), { partition: 1 })], history), /and in one\/1/)
})

test('a record that nobody sent is found', () => {
  expect(check([logOf(plain('a'))], []), /'a', which nobody sent/)
})

test('an order against that of real time is found', () => {
  const history = [produce('a', [2, 3], at(1)), produce('b', [4, 5], at(0))]
  expect(check([logOf(plain('b', 'a'))], history), /b at t\/0 0 was sent after the record at 1/)
})

test('a hole and a repetition in a producer’s sequence are found', () => {
  const record = (id: string, sequence: number) => ({
    id,
    timestamp: 0,
    producer: { id: 7n, epoch: 0, sequence },
  })
  const history = ['a', 'b'].map((id) => produce(id, [2, always], unknown))
  expect(check([logOf([record('a', 0), record('b', 2)])], history), /sequence 2 where 1 comes next/)
  expect(check([logOf([record('a', 0), record('b', 0)])], history), /sequence 0 where 1 comes next/)
})

test('a gap that is answered where there is none is found', () => {
  const gap: RecordOutcome = { kind: 'none', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }
  const records = [{ id: 'a', timestamp: 0, producer: { id: 7n, epoch: 0, sequence: 0 } }]
  const first = sequenced(produce('a', [2, 3], at(0)), 7n, 0)
  const refused = (span: Span) => sequenced(produce('b', span, gap), 7n, 1)
  expect(check([logOf(records)], [first, refused([4, 5])]), /refused at 1, which was its turn/)
  assert.deepEqual(check([logOf(records)], [{ ...first, ended: 5 }, refused([4, 6])]), [])
})

test('a producer id that is given out twice is found', () => {
  const op: Op = { kind: 'initProducer', invoked: 2, ended: 3, producerId: 7n }
  expect(check([], [op, op]), /producer id 7 was given out twice/)
})

test('a read that misses an acknowledged record is found', () => {
  const history = [produce('a', [2, 3], at(0)), fetch([4, 5], { highWatermark: 0 })]
  expect(check([logOf(plain('a'))], history), /high watermark 0, and 0 was acknowledged before/)
})

test('a read of other records, past the high watermark or with a hole is found', () => {
  const history = ['a', 'b', 'c'].map((id, i) => produce(id, [2, 9], at(i)))
  const found = (answer: Parameters<typeof fetch>[1]) =>
    check([logOf(plain('a', 'b', 'c'))], [...history, fetch([3, 4], answer)])
  expect(found({ records: [{ offset: 0, id: 'b' }] }), /offset 0 is b, not a/)
  expect(found({ highWatermark: 0, records: [{ offset: 0, id: 'a' }] }), /past the high watermark 0/)
  expect(found({ highWatermark: 4 }), /past the log's end/)
  expect(found({ highWatermark: 3, records: [{ offset: 1, id: 'b' }] }), /begins at 1/)
  const hole = [
    { offset: 0, id: 'a' },
    { offset: 2, id: 'c' },
  ]
  expect(found({ highWatermark: 3, records: hole }), /offset 1 is left out/)
  expect(found({ kind: 'read', asked: 2 }), /out of range is true, not false/)
})

test('a high watermark and a log start that go back are found', () => {
  const remove: DeleteRecordsOp = {
    kind: 'deleteRecords',
    invoked: 3,
    ended: always,
    topicName: 't',
    partition: 0,
    beforeOffset: 1,
    outcome: 'unknown',
    logStartOffset: undefined,
  }
  const history = [produce('a', [2, always], unknown), remove]
  const first = fetch([4, 5], { highWatermark: 1, asked: 1, logStartOffset: 1 })
  const second = fetch([6, 7], { highWatermark: 0 })
  const problems = check([logOf(plain('a'))], [...history, first, second])
  expect(problems, /high watermark went back from 1/)
  expect(problems, /log start went back from 1/)
})

test('a log start that nobody asked for, or that forgot an answer, is found', () => {
  const history = [produce('a', [2, 3], at(0))]
  expect(check([logOf(plain('a'), { logStartOffset: 1 })], history), /starts at 1, not at 0/)
  const remove: DeleteRecordsOp = {
    kind: 'deleteRecords',
    invoked: 4,
    ended: 5,
    topicName: 't',
    partition: 0,
    beforeOffset: 1,
    outcome: 'ok',
    logStartOffset: 1,
  }
  expect(check([logOf(plain('a'))], [...history, remove]), /starts at 0, not at 1/)
})

test('a wrong answer to a search by timestamp is found', () => {
  const records = [3, 9, 5].map((timestamp, i) => ({ id: `r${i}`, timestamp }))
  const history = records.map(({ id }, i) => produce(id, [2, 3], at(i)))
  const found = (spec: ListOffsetOp['spec'], offset: number) =>
    check([logOf(records)], [...history, list([4, 5], spec, offset)])
  expect(found(4, 2), /1 is better/)
  expect(found(4, -1), /1 is better/)
  expect(found(9, 2), /1 is better/)
  expect(found(10, 1), /its timestamp is 9/)
  expect(found('maxTimestamp', 2), /1 is better/)
  expect(found('latest', 2), /not in \[3, 3\]/)
  expect(found('earliest', 1), /not in \[0, 0\]/)
})

test('a record of a deleted topic that shows in its successor is found', () => {
  const dead: Incarnation = { ...topic, diedAt: 55 }
  const successor: Incarnation = { ...topic, topicId: 'two', bornAt: 70 }
  const again: CreateTopicOp = { ...created, invoked: 65, ended: 75, topicId: 'two' }
  const logs = [logOf(plain('a'), { diedAt: 55 }), logOf(plain('a'), { topicId: 'two', bornAt: 70 })]
  const history = [deleted, again, sequenced(produce('a', [2, 3], at(0)), 7n, 0)]
  expect(check(logs, history, [dead, successor]), /a was answered before .* was created/)
})

test('topics that come, go or come back by nobody’s hand are found', () => {
  expect(check([], [], [{ ...topic, topicId: 'two' }]), /\(two\) exists, and nobody/)
  expect(check([], [], [{ ...topic, diedAt: 55 }]), /\(one\) is gone, and nobody/)
  expect(check([], [deleted]), /t was answered as deleted and lives/)
  expect(check([], [deleted], [{ ...topic, diedAt: 55 }, topic]), /came back after its deletion/)
  expect(check([], [], []), /\(one\) was answered and never created/)
})
