// POST …/partitions/-/consume against the description of Confluent's editor extension, whose own path is
// another.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../support/call.ts'
import { assertOnly, type DeliberateDifference, renderDifference } from './differences.ts'
import { absent, loadSpec } from './spec.ts'
import { openTarget } from './target.ts'

const spec = loadSpec('ide-sidecar.openapi.yaml')
const skip = spec === undefined ? absent : false
const operation = 'POST /gateway/v1/clusters/{cluster_id}/topics/{topic_name}/partitions/-/consume'

const field = (name: string) => `body.partition_data_list[].records[].${name} must be object`
const anyJson = 'The description was generated from a Java class that holds any JSON, and says object for it.'
const noFormat = 'What is null has no format.'

const deliberateDifferences: readonly DeliberateDifference[] = [
  { operations: [operation], differs: field('key'), reason: anyJson },
  { operations: [operation], differs: field('value'), reason: anyJson },
  { operations: [operation], differs: field('metadata.key_metadata'), reason: noFormat },
  { operations: [operation], differs: field('metadata.value_metadata'), reason: noFormat },
]

test('consumed records have the shape that the editor extension reads, but for what is meant', {
  skip,
}, async () => {
  assert.ok(spec !== undefined)
  const { app } = await openTarget()
  const prepare = createCall(app, '/v3/clusters/local/topics')
  assert.equal((await prepare('POST', '', { topic_name: 'consumed', partitions_count: 2 })).status, 201)
  for (const value of ['{"a":1}', 'text', '\u0000', null]) {
    const data = value === null ? null : { type: 'STRING', data: value }
    const record = { partition_id: 0, key: data, value: data, headers: [{ name: 'h', value: btoa('v') }] }
    assert.equal((await prepare('POST', '/consumed/records', record)).body.error_code, 200)
  }
  for (const prefix of ['/v3', '/kafka/v3']) {
    const call = createCall(app, `${prefix}/clusters/local/topics/consumed/partitions/-`)
    const answer = await call('POST', '/consume', { from_beginning: true, max_poll_records: 10 })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const found = spec.differences(operation, answer).map((line) => renderDifference(operation, line))
    assertOnly(found, deliberateDifferences)
    const [first] = answer.body.partition_data_list
    assert.equal(first.records.length, 4)
    assert.equal(first.next_offset, 4)
  }
  assert.equal((await prepare('DELETE', '/consumed')).status, 204)
})
