// The configs of a topic: the defaults, ranges, contradictions and changes of Kafka, and hostile input.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ErrorName, KafkaError } from '../../../shared/base/errors.ts'
import {
  alterConfigs,
  type ConfigOperation,
  describeConfigs,
  effectiveConfig,
  parseOverrides,
  type TopicConfigOverrides,
} from '../../../shared/topics/configs.ts'
import { topicConfigs } from '../../../shared/topics/configTable.ts'

const longMax = '9223372036854775807'

function parse(values: Record<string, string | null>): TopicConfigOverrides {
  return parseOverrides(Object.entries(values).map(([name, value]) => ({ name, value })))
}

function alter(
  current: TopicConfigOverrides,
  operation: ConfigOperation['operation'],
  name: string,
  value?: string | null,
): TopicConfigOverrides {
  return alterConfigs(current, [value === undefined ? { name, operation } : { name, operation, value }])
}

function refused(code: ErrorName, message: RegExp, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof KafkaError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

/** Value in its one form, or "refused". */
function tryValue(name: string, value: string): string | undefined {
  try {
    return parse({ [name]: value })[name]
  } catch (error) {
    assert.ok(error instanceof KafkaError && error.code === 'INVALID_CONFIG' && error.message.includes(name))
    return 'refused'
  }
}

test('the table is in the order of the names, each name once', () => {
  const names = topicConfigs.map((config) => config.name)
  assert.deepEqual(names, [...new Set(names)].sort())
})

test('every default is a value of its config, written as Kafka writes it', () => {
  for (const config of topicConfigs) {
    assert.equal(config.rule.canonical(config.defaultValue), config.defaultValue, config.name)
  }
})

test('every documentation is one sentence, and says "Without effect" exactly where there is none', () => {
  for (const { name, documentation, effect } of topicConfigs) {
    assert.match(documentation, /^[A-Z].*[a-z\d)]\.$/, name)
    assert.equal(documentation.startsWith('Without effect: '), effect === 'reported', name)
  }
})

test('the smallest and the largest value of each range are allowed and their neighbours refused', () => {
  const int = '2147483647'
  const ranges: Record<string, [string, string]> = {
    'segment.bytes': ['1048576', int],
    'segment.ms': ['1', longMax],
    'segment.jitter.ms': ['0', longMax],
    'segment.index.bytes': ['4', int],
    'flush.messages': ['1', longMax],
    'flush.ms': ['0', longMax],
    'retention.ms': ['-1', longMax],
    'retention.bytes': ['-9223372036854775808', longMax],
    'max.message.bytes': ['0', int],
    'index.interval.bytes': ['0', int],
    'delete.retention.ms': ['0', longMax],
    'min.compaction.lag.ms': ['0', longMax],
    'max.compaction.lag.ms': ['1', longMax],
    'file.delete.delay.ms': ['0', longMax],
    'min.insync.replicas': ['1', int],
    'message.timestamp.before.max.ms': ['0', longMax],
    'message.timestamp.after.max.ms': ['0', longMax],
    'local.retention.ms': ['-2', longMax],
    'local.retention.bytes': ['-2', longMax],
    'compression.gzip.level': ['-1', '9'],
    'compression.lz4.level': ['1', '17'],
    'compression.zstd.level': ['-131072', '22'],
  }
  for (const [name, [min, max]] of Object.entries(ranges)) {
    assert.equal(tryValue(name, min), min, name)
    assert.equal(tryValue(name, max), max, name)
    assert.equal(tryValue(name, String(BigInt(min) - 1n)), 'refused', name)
    assert.equal(tryValue(name, String(BigInt(max) + 1n)), 'refused', name)
  }
  const integers = topicConfigs.filter(({ rule }) => rule.type === 'INT' || rule.type === 'LONG')
  assert.deepEqual(
    Object.keys(ranges).sort(),
    integers.map((config) => config.name),
  )
})

test('a value is stored in its one form', () => {
  assert.equal(tryValue('retention.ms', ' +007 '), '7')
  assert.equal(tryValue('retention.bytes', '-007'), '-7')
  assert.equal(tryValue('preallocate', ' TRUE '), 'true')
  assert.equal(tryValue('cleanup.policy', ' compact , delete '), 'compact,delete')
  assert.equal(tryValue('leader.replication.throttled.replicas', '0:1, 1:1'), '0:1,1:1')
  assert.equal(tryValue('follower.replication.throttled.replicas', '*'), '*')
})

test('a ratio is written as Java writes it', () => {
  const rendered = { '0': '0.0', '-0': '0.0', '1': '1.0', '.50': '0.5', '1e-3': '0.001', '1E-4': '1.0E-4' }
  for (const [text, value] of Object.entries(rendered)) {
    assert.equal(tryValue('min.cleanable.dirty.ratio', text), value)
  }
  assert.equal(tryValue('min.cleanable.dirty.ratio', '0.000125'), '1.25E-4')
})

test('values that are none of the type are refused', () => {
  const wrong: Record<string, string[]> = {
    'retention.ms': ['', 'abc', '1.5', '1e3', '0x10', '1_000', '- 1', '9'.repeat(65), '9'.repeat(30_000)],
    preallocate: ['', 'yes', '1', 'truefalse'],
    'min.cleanable.dirty.ratio': ['', '1.01', '-0.1', 'NaN', 'Infinity', '0x1', '.', '1e400'],
    'compression.type': ['', 'GZIP', 'none', 'brotli'],
    'compression.gzip.level': ['0'],
    'message.timestamp.type': ['createtime', 'NoTimestampType'],
    'cleanup.policy': ['Compact', 'delete,', ',', 'delete,delete', 'compact,archive', 'none'],
    'leader.replication.throttled.replicas': ['100', '100:', ':', '*,1:1', '1:1,1:1', 'a:b', '1:99999999999'],
    'millrace.write.path': ['S3', 'table'],
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values)
      assert.equal(tryValue(name, value), 'refused', `${name}=${value.slice(0, 40)}`)
  }
})

test('a refusal names the config, shows the value and says what is expected', () => {
  refused(
    'INVALID_CONFIG',
    /^Invalid value "soon" for retention\.ms: expected an integer from -1 to 9223/,
    () => parse({ 'retention.ms': 'soon' }),
  )
  refused('INVALID_CONFIG', /^Invalid value "x{100}…" for preallocate: expected true or false\.$/, () =>
    parse({ preallocate: 'x'.repeat(30_000) }),
  )
  refused('INVALID_CONFIG', /^The value of cleanup\.policy is longer than 32767 characters\.$/, () =>
    parse({ 'cleanup.policy': ' '.repeat(32_768) }),
  )
})

test('unknown and removed configs are refused by name, on every way in', () => {
  const names = [
    'no.such.config',
    'Retention.ms',
    '',
    'message.format.version',
    'message.downconversion.enable',
    'message.timestamp.difference.max.ms',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
  ]
  for (const name of names) {
    const message = new RegExp(`^Unknown topic config name: "${name}"$`)
    refused('INVALID_CONFIG', message, () => parseOverrides([{ name, value: '1' }]))
    for (const operation of ['SET', 'DELETE', 'APPEND', 'SUBTRACT'] as const) {
      refused('INVALID_CONFIG', message, () => alter({}, operation, name, '1'))
    }
  }
})

test('stored overrides of an unknown name neither show nor disturb', () => {
  const overrides: TopicConfigOverrides = JSON.parse('{"__proto__":"1","gone.config":"2","retention.ms":"3"}')
  assert.equal(effectiveConfig(overrides).retentionMs, 3)
  assert.equal(describeConfigs(overrides).length, topicConfigs.length)
  assert.equal(alter(overrides, 'SET', 'retention.ms', '4')['retention.ms'], '4')
})

test('a null value and a name that comes twice are refused', () => {
  refused('INVALID_CONFIG', /retention\.ms is null/, () => parse({ 'retention.ms': null }))
  const entry = { name: 'retention.ms', value: '1' }
  refused('INVALID_REQUEST', /retention\.ms is named more than once/, () => parseOverrides([entry, entry]))
  const operation: ConfigOperation = { name: 'retention.ms', operation: 'DELETE' }
  refused('INVALID_REQUEST', /retention\.ms is named more than once/, () =>
    alterConfigs({}, [operation, operation]),
  )
})

test('the minimum compaction lag must not exceed the maximum', () => {
  const together = { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '10' }
  assert.deepEqual(parse(together), together)
  const message = /^min\.compaction\.lag\.ms \(11\) must not be more than max\.compaction\.lag\.ms \(10\)\.$/
  refused('INVALID_CONFIG', message, () => parse({ ...together, 'min.compaction.lag.ms': '11' }))
  refused('INVALID_CONFIG', message, () => alter(together, 'SET', 'min.compaction.lag.ms', '11'))
  // Beyond the safe integers too.
  refused('INVALID_CONFIG', /must not be more than/, () =>
    parse({ 'min.compaction.lag.ms': longMax, 'max.compaction.lag.ms': '9223372036854775806' }),
  )
})

test('local retention is held against retention only where remote storage is on, as with Kafka', () => {
  const limits = { 'retention.ms': '100', 'local.retention.ms': '101' }
  assert.deepEqual(parse(limits), limits)
  const on = { 'remote.storage.enable': 'true' }
  refused('INVALID_CONFIG', /^local\.retention\.ms \(101\) must not be more than retention\.ms \(100\)/, () =>
    parse({ ...limits, ...on }),
  )
  refused('INVALID_CONFIG', /^local\.retention\.ms \(101\)/, () =>
    alter(limits, 'SET', 'remote.storage.enable', 'true'),
  )
  refused('INVALID_CONFIG', /^local\.retention\.bytes \(-1\)/, () =>
    parse({ ...on, 'retention.bytes': '5', 'local.retention.bytes': '-1' }),
  )
  const fitting = { ...on, 'retention.ms': '-1', 'local.retention.ms': '7', 'local.retention.bytes': '-2' }
  assert.deepEqual(parse(fitting), fitting)
})

test('remote storage refuses compaction, and without copies wants both retentions equal', () => {
  const on = { 'remote.storage.enable': 'true' }
  refused('INVALID_CONFIG', /^cleanup\.policy \(compact\)/, () =>
    parse({ ...on, 'cleanup.policy': 'compact' }),
  )
  assert.equal(parse({ ...on, 'cleanup.policy': '' })['cleanup.policy'], '')
  const frozen = { ...on, 'remote.log.copy.disable': 'true', 'retention.ms': '9' }
  refused('INVALID_CONFIG', /^local\.retention\.ms \(8\) must .* be equal to/, () =>
    parse({ ...frozen, 'local.retention.ms': '8' }),
  )
  assert.equal(parse({ ...frozen, 'local.retention.ms': '9' })['local.retention.ms'], '9')
})

test('SET replaces, DELETE returns to the default, and the current overrides are left alone', () => {
  const current = Object.freeze(parse({ 'retention.ms': '1', 'segment.ms': '2' }))
  assert.deepEqual(alter(current, 'SET', 'retention.ms', '3'), { 'retention.ms': '3', 'segment.ms': '2' })
  assert.deepEqual(alter(current, 'DELETE', 'retention.ms'), { 'segment.ms': '2' })
  assert.deepEqual(alter({}, 'DELETE', 'retention.ms', null), {})
  refused('INVALID_REQUEST', /^SET of topic config retention\.ms needs a value/, () =>
    alter({}, 'SET', 'retention.ms'),
  )
  refused('INVALID_CONFIG', /Invalid value "-2"/, () => alter(current, 'SET', 'retention.ms', '-2'))
})

test('APPEND and SUBTRACT start from the default where nothing is set', () => {
  const both = alter({}, 'APPEND', 'cleanup.policy', 'compact')
  assert.deepEqual(both, { 'cleanup.policy': 'delete,compact' })
  assert.deepEqual(alter(both, 'APPEND', 'cleanup.policy', 'compact,delete'), both)
  assert.deepEqual(alter(both, 'SUBTRACT', 'cleanup.policy', ' delete '), { 'cleanup.policy': 'compact' })
  assert.deepEqual(alter({}, 'SUBTRACT', 'cleanup.policy', 'delete'), { 'cleanup.policy': '' })
  refused('INVALID_CONFIG', /Invalid value/, () => alter({}, 'APPEND', 'cleanup.policy', 'archive'))
  refused('INVALID_REQUEST', /needs a value/, () => alter({}, 'APPEND', 'cleanup.policy', null))
})

test('APPEND and SUBTRACT are refused for a config that is no list', () => {
  for (const operation of ['APPEND', 'SUBTRACT'] as const) {
    refused('INVALID_CONFIG', /needs a config of type LIST and retention\.ms is LONG/, () =>
      alter({}, operation, 'retention.ms', '1'),
    )
  }
})

test('one wrong operation leaves nothing changed', () => {
  const operations: ConfigOperation[] = [
    { name: 'retention.ms', operation: 'SET', value: '5' },
    { name: 'segment.ms', operation: 'SET', value: '0' },
  ]
  refused('INVALID_CONFIG', /segment\.ms/, () => alterConfigs({}, operations))
})

test('describe shows where each value comes from, the value in force first', () => {
  const entries = describeConfigs(parse({ 'cleanup.policy': 'compact', 'segment.bytes': '1073741824' }))
  const entry = (name: string) => entries.find((candidate) => candidate.name === name)
  assert.deepEqual(entry('cleanup.policy'), {
    name: 'cleanup.policy',
    value: 'compact',
    defaultValue: 'delete',
    source: 'DYNAMIC_TOPIC_CONFIG',
    isDefault: false,
    isReadOnly: false,
    isSensitive: false,
    type: 'LIST',
    documentation: topicConfigs[0].documentation,
    synonyms: [
      { name: 'cleanup.policy', value: 'compact', source: 'DYNAMIC_TOPIC_CONFIG' },
      { name: 'log.cleanup.policy', value: 'delete', source: 'DEFAULT_CONFIG' },
    ],
  })
  assert.equal(entry('segment.bytes')?.isDefault, false, 'an override that equals the default is still one')
  const retention = entry('retention.ms')
  assert.deepEqual(
    [retention?.value, retention?.source, retention?.isDefault],
    ['604800000', 'DEFAULT_CONFIG', true],
  )
  assert.deepEqual(retention?.synonyms, [], 'Kafka has no default under the name of the broker config')
  assert.deepEqual(
    entries.map((config) => config.name),
    topicConfigs.map((config) => config.name),
  )
})

test('the defaults in force are those of Kafka 4', () => {
  assert.deepEqual(effectiveConfig({}), {
    cleanupPolicy: { compact: false, delete: true },
    compressionGzipLevel: -1,
    compressionType: 'producer',
    compressionZstdLevel: 3,
    deleteRetentionMs: 86_400_000,
    maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
    maxMessageBytes: 1_048_588,
    messageTimestampAfterMaxMs: 3_600_000,
    messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
    messageTimestampType: 'CreateTime',
    minCleanableDirtyRatio: 0.5,
    minCompactionLagMs: 0,
    retentionBytes: -1,
    retentionMs: 604_800_000,
    segmentBytes: 1_073_741_824,
    segmentMs: 604_800_000,
    writePath: 'auto',
  })
})

test('the engine sees overrides as safe numbers and an empty policy as neither', () => {
  const config = effectiveConfig(
    parse({
      'cleanup.policy': '',
      'retention.ms': longMax,
      'retention.bytes': '-77',
      'millrace.write.path': 's3',
    }),
  )
  assert.deepEqual(config.cleanupPolicy, { compact: false, delete: false })
  assert.equal(config.retentionMs, Number.MAX_SAFE_INTEGER)
  assert.equal(config.retentionBytes, -1)
  assert.equal(config.writePath, 's3')
  const both = effectiveConfig(
    parse({ 'cleanup.policy': 'compact,delete', 'min.cleanable.dirty.ratio': '1e-5' }),
  )
  assert.deepEqual(both.cleanupPolicy, { compact: true, delete: true })
  assert.equal(both.minCleanableDirtyRatio, 0.00001)
})

test('any text is either refused or read back unchanged', () => {
  const names = fc.constantFrom(...topicConfigs.map((config) => config.name))
  const digits = fc.stringMatching(/^[-+]?[0-9.,:eE*]{0,12}$/)
  fc.assert(
    fc.property(
      names,
      fc.oneof(fc.string(), digits, fc.constantFrom('true', 'compact', 'zstd')),
      (name, text) => {
        const value = tryValue(name, text)
        if (value === undefined || value === 'refused') return assert.equal(value, 'refused')
        assert.equal(tryValue(name, value), value)
        assert.ok(Object.values(effectiveConfig({ [name]: value })).every((field) => !Number.isNaN(field)))
      },
    ),
    { numRuns: 2000 },
  )
})
