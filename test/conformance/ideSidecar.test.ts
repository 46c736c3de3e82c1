// POST …/partitions/-/consume against the description of Confluent's editor extension, whose own path is
// another.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../support/call.ts'
import { createTestApp } from '../support/testCluster.ts'
import { assertOnly, type DeliberateDifference, renderDifference } from './differences.ts'
import { absent, loadSpec } from './spec.ts'

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
  const { app, cluster } = createTestApp()
  await cluster.createTopic({ name: 't', partitionCount: 2, configs: [], validateOnly: false })
  const values = ['{"a":1}', 'text', '\u0000'].map((text) => Buffer.from(text))
  const headers = [{ key: 'h', value: Buffer.from('v') }]
  const records = [...values, null].map((value) => ({ partition: 0, key: value, value, headers }))
  await cluster.produceRecords('t', records)
  for (const prefix of ['/v3', '/kafka/v3']) {
    const call = createCall(app, `${prefix}/clusters/local/topics/t/partitions/-`)
    const answer = await call('POST', '/consume', { from_beginning: true, max_poll_records: 10 })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const found = spec.differences(operation, answer).map((line) => renderDifference(operation, line))
    assertOnly(found, deliberateDifferences)
    const [first] = answer.body.partition_data_list
    assert.equal(first.records.length, 4)
    assert.equal(first.next_offset, 4)
  }
})
