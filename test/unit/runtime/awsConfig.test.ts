import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCompactorConfig, parseWebConfig, pepperOf } from '../../../shared/runtime/awsConfig.ts'

const secret = 'a secret of thirty-two characters'
const environment = {
  BUCKET: 'segments',
  TABLE: 'metadata',
  CLUSTER_ID: 'acme',
  STAGE: 'dev',
  ORIGIN_SECRET: secret,
  PEPPER: secret,
  AWS_LAMBDA_FUNCTION_NAME: 'compactor',
  AWS_LAMBDA_FUNCTION_VERSION: '7',
  AWS_LAMBDA_HTTP_ENDPOINT: '0.0.0.0:3000',
}
const common = {
  bucket: 'segments',
  tableName: 'metadata',
  clusterId: 'acme',
  stage: 'dev',
  logLevel: 'INFO',
}

test('every variable is read', () => {
  const { scope, ...compactor } = parseCompactorConfig(environment)
  assert.deepEqual(compactor, {
    ...common,
    pepper: pepperOf(secret),
    functionName: 'compactor',
    functionVersion: '7',
  })
  assert.equal(scope.topicsPk, 'acme/topics')
  const { scope: other, ...web } = parseWebConfig(environment)
  assert.deepEqual(web, {
    ...common,
    originSecrets: [secret],
    pepper: pepperOf(secret),
    host: '0.0.0.0',
    port: 3000,
  })
  assert.equal(other.topicsPk, 'acme/topics')
})

test('a variable that is missing or empty is refused by its name', () => {
  const parse = (changes: object) => {
    parseCompactorConfig({ ...environment, ...changes })
    parseWebConfig({ ...environment, ...changes })
  }
  for (const name of Object.keys(environment)) {
    const refusal = new RegExp(`^Error: ${name} is missing: `)
    assert.throws(() => parse({ [name]: undefined }), refusal)
    assert.throws(() => parse({ [name]: '' }), refusal)
  }
})

test('a cluster id that could reach into another cluster is refused', () => {
  assert.throws(
    () => parseCompactorConfig({ ...environment, CLUSTER_ID: 'a/b' }),
    /^Error: CLUSTER_ID is "a\/b": .*64/,
  )
})

test('an origin secret may be two while it changes, and none is short', () => {
  const parse = (ORIGIN_SECRET: string) => parseWebConfig({ ...environment, ORIGIN_SECRET }).originSecrets
  assert.deepEqual(parse(`${secret},${secret}2`), [secret, `${secret}2`])
  assert.throws(() => parse('short'), /^Error: ORIGIN_SECRET is too short: /)
  assert.throws(() => parse(`${secret},`), /^Error: ORIGIN_SECRET is too short: /)
  assert.throws(() => parseWebConfig({ ...environment, PEPPER: 'short' }), /^Error: PEPPER is too short: /)
  assert.equal(pepperOf(secret).symmetricKeySize, 32)
})

test('an endpoint is a host and a port, and a log level one of four', () => {
  const parse = (AWS_LAMBDA_HTTP_ENDPOINT: string) => {
    const { host, port } = parseWebConfig({ ...environment, AWS_LAMBDA_HTTP_ENDPOINT })
    return [host, port]
  }
  assert.deepEqual(parse('http://127.0.0.1:8080'), ['127.0.0.1', 8080])
  assert.deepEqual(parse('[::1]:1'), ['::1', 1])
  assert.throws(
    () => parse('somewhere'),
    /^Error: AWS_LAMBDA_HTTP_ENDPOINT is "somewhere": it takes host:port/,
  )
  assert.equal(parseWebConfig({ ...environment, LOG_LEVEL: 'DEBUG' }).logLevel, 'DEBUG')
  assert.throws(
    () => parseWebConfig({ ...environment, LOG_LEVEL: 'debug' }),
    /^Error: LOG_LEVEL is "debug": it takes DEBUG,/,
  )
})
