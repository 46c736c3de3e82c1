import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAwsConfig } from '../../../shared/runtime/awsConfig.ts'

const environment = {
  BUCKET: 'segments',
  TABLE: 'metadata',
  CLUSTER_ID: 'acme',
  AWS_LAMBDA_FUNCTION_NAME: 'compactor',
  AWS_LAMBDA_FUNCTION_VERSION: '7',
}

test('every variable is read', () => {
  const { scope, ...rest } = parseAwsConfig(environment)
  assert.deepEqual(rest, {
    bucket: 'segments',
    tableName: 'metadata',
    functionName: 'compactor',
    functionVersion: '7',
  })
  assert.equal(scope.topicsPk, 'acme/topics')
})

test('a variable that is missing or empty is refused by its name', () => {
  for (const name of Object.keys(environment)) {
    const refusal = new RegExp(`^Error: ${name} is missing: `)
    assert.throws(() => parseAwsConfig({ ...environment, [name]: undefined }), refusal)
    assert.throws(() => parseAwsConfig({ ...environment, [name]: '' }), refusal)
  }
})

test('a cluster id that could reach into another cluster is refused', () => {
  assert.throws(
    () => parseAwsConfig({ ...environment, CLUSTER_ID: 'a/b' }),
    /^Error: CLUSTER_ID is "a\/b": .*64/,
  )
})
