import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localConfigHelp, parseLocalConfig } from '../../../shared/runtime/config.ts'

test('without an environment everything has its default', () => {
  assert.deepEqual(parseLocalConfig({}), {
    host: '127.0.0.1',
    port: 8082,
    dataDirectory: './data',
    bodyBytesMax: 20 * 1024 * 1024,
    lingerMs: 0,
    numPartitions: 1,
    autoCreateTopics: false,
    compactionIntervalMs: 30_000,
    dedupeBufferBytes: 32 * 1024 * 1024,
    groups: { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5000 },
    secure: false,
    tls: undefined,
  })
})

test('every variable is read', () => {
  const environment = {
    HOST: 'localhost',
    PORT: '0',
    DATA_DIR: '/srv/log',
    BODY_BYTES_MAX: '1024',
    LINGER_MS: '5',
    NUM_PARTITIONS: '12',
    AUTO_CREATE_TOPICS_ENABLE: 'true',
    COMPACTION_INTERVAL_MS: '0',
    LOG_CLEANER_DEDUPE_BUFFER_SIZE: '1048576',
    GROUP_CONSUMER_SESSION_TIMEOUT_MS: '3000',
    GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: '300',
    SECURE: 'true',
    TLS_CERT_FILE: 'cert.pem',
    TLS_KEY_FILE: 'key.pem',
  }
  assert.deepEqual(parseLocalConfig(environment), {
    host: 'localhost',
    port: 0,
    dataDirectory: '/srv/log',
    bodyBytesMax: 1024,
    lingerMs: 5,
    numPartitions: 12,
    autoCreateTopics: true,
    compactionIntervalMs: 0,
    dedupeBufferBytes: 1024 * 1024,
    groups: { sessionTimeoutMs: 3000, heartbeatIntervalMs: 300 },
    secure: true,
    tls: { certificate: 'cert.pem', key: 'key.pem' },
  })
})

test('a value that a variable does not take is refused by one sentence that names both', () => {
  const number = (name: string, value: string, range: string) =>
    [name, value, `${name} is ${JSON.stringify(value)}: it takes a whole number from ${range}.`] as const
  const cases = [
    number('PORT', '65536', '0 to 65535'),
    number('PORT', '-1', '0 to 65535'),
    number('PORT', '0x50', '0 to 65535'),
    number('PORT', '', '0 to 65535'),
    number('PORT', ' 80', '0 to 65535'),
    number('BODY_BYTES_MAX', '1023', '1024 to 1073741824'),
    number('BODY_BYTES_MAX', '1e6', '1024 to 1073741824'),
    number('LINGER_MS', '10001', '0 to 10000'),
    number('LINGER_MS', '0.5', '0 to 10000'),
    number('NUM_PARTITIONS', '0', '1 to 1536'),
    number('NUM_PARTITIONS', '1537', '1 to 1536'),
    number('COMPACTION_INTERVAL_MS', '86400001', '0 to 86400000'),
    number('COMPACTION_INTERVAL_MS', 'off', '0 to 86400000'),
    number('GROUP_CONSUMER_SESSION_TIMEOUT_MS', '999', '1000 to 3600000'),
    number('GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS', '99', '100 to 60000'),
    number('LOG_CLEANER_DEDUPE_BUFFER_SIZE', '1048575', '1048576 to 1073741824'),
    ['AUTO_CREATE_TOPICS_ENABLE', 'yes', 'AUTO_CREATE_TOPICS_ENABLE is "yes": it takes true or false.'],
    ['AUTO_CREATE_TOPICS_ENABLE', 'TRUE', 'AUTO_CREATE_TOPICS_ENABLE is "TRUE": it takes true or false.'],
  ] as const
  for (const [name, value, message] of cases) {
    assert.throws(() => parseLocalConfig({ [name]: value }), { message }, `${name}=${value}`)
  }
})

test('only loopback addresses are listened on', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
    assert.equal(parseLocalConfig({ HOST: host }).host, host)
  }
  const others = [
    '0.0.0.0',
    '::',
    '192.168.1.1',
    '10.0.0.1',
    'example.com',
    '127.0.0.1.example.com',
    '',
    '1127.0.0.1',
  ]
  for (const host of others) {
    assert.throws(() => parseLocalConfig({ HOST: host }), /^Error: HOST is .* loopback addresses only/, host)
  }
})

test('the help names every variable with its default', () => {
  const help = localConfigHelp()
  const names = [
    'HOST',
    'PORT',
    'DATA_DIR',
    'BODY_BYTES_MAX',
    'LINGER_MS',
    'NUM_PARTITIONS',
    'AUTO_CREATE_TOPICS_ENABLE',
    'COMPACTION_INTERVAL_MS',
  ]
  for (const name of names) assert.match(help, new RegExp(`^  ${name} .*\\(.+\\)$`, 'm'))
})
