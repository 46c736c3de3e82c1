// A topic's configs: the overrides that are stored, how requests change them, how they are described, and
// what the engine goes by. Overrides hold only known names, and values in their one form. What Kafka 4 would
// refuse is refused here with INVALID_CONFIG (a name, a value, a contradiction) or INVALID_REQUEST (a change
// that cannot be carried out as written).
import { invariant, KafkaError } from '../base/errors.ts'
import {
  compressionTypes,
  type TopicConfigName,
  timestampTypes,
  topicConfigs,
  writePaths,
} from './configTable.ts'
import { type ConfigType, splitList, type ValueRule } from './configValues.ts'

const valueLengthMax = 32_767

export type TopicConfigOverrides = Readonly<Record<string, string>>

export interface ConfigOperation {
  readonly name: string
  readonly operation: 'SET' | 'DELETE' | 'APPEND' | 'SUBTRACT'
  readonly value?: string | null
}

type ConfigSource = 'DYNAMIC_TOPIC_CONFIG' | 'DEFAULT_CONFIG'

export interface ConfigEntry {
  readonly name: string
  readonly value: string
  readonly defaultValue: string
  readonly source: ConfigSource
  readonly isDefault: boolean
  readonly isReadOnly: false
  readonly isSensitive: false
  readonly type: ConfigType
  readonly documentation: string
  readonly synonyms: readonly {
    readonly name: string
    readonly value: string
    readonly source: ConfigSource
  }[]
}

/** What the engine goes by. A Long beyond the safe integers becomes the largest of them; -1 is "no limit". */
export interface TopicConfig {
  readonly cleanupPolicy: { readonly compact: boolean; readonly delete: boolean }
  readonly compressionGzipLevel: number
  readonly compressionType: (typeof compressionTypes)[number]
  readonly compressionZstdLevel: number
  readonly deleteRetentionMs: number
  readonly maxCompactionLagMs: number
  readonly maxMessageBytes: number
  readonly messageTimestampAfterMaxMs: number
  readonly messageTimestampBeforeMaxMs: number
  readonly messageTimestampType: (typeof timestampTypes)[number]
  readonly minCleanableDirtyRatio: number
  readonly minCompactionLagMs: number
  readonly retentionBytes: number
  readonly retentionMs: number
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly writePath: (typeof writePaths)[number]
}

interface Definition {
  readonly name: TopicConfigName
  readonly rule: ValueRule
  readonly defaultValue: string
}

// A Map, because a name from a request must never reach an object's prototype.
const definitions = new Map<string, Definition>(topicConfigs.map((config) => [config.name, config]))

/** The overrides of a new topic. */
export function parseOverrides(
  entries: Iterable<{ readonly name: string; readonly value: string | null }>,
): TopicConfigOverrides {
  const overrides = new Map<string, string>()
  for (const { name, value } of entries) {
    const definition = define(name)
    if (overrides.has(name)) throw twice(name)
    if (value === null) throw new KafkaError('INVALID_CONFIG', `The value of topic config ${name} is null.`)
    overrides.set(name, parseValue(definition, value))
  }
  return checkTogether(Object.fromEntries(overrides))
}

/** All operations or none; each config at most once. */
export function alterConfigs(
  current: TopicConfigOverrides,
  operations: readonly ConfigOperation[],
): TopicConfigOverrides {
  const overrides = new Map(Object.entries(current))
  const seen = new Set<string>()
  for (const operation of operations) {
    const definition = define(operation.name)
    if (seen.has(operation.name)) throw twice(operation.name)
    seen.add(operation.name)
    const value = alterValue(definition, currentValue(current, definition), operation)
    if (value === undefined) overrides.delete(operation.name)
    else overrides.set(operation.name, value)
  }
  return checkTogether(Object.fromEntries(overrides))
}

/** Every config, in the order of the names. */
export function describeConfigs(overrides: TopicConfigOverrides): ConfigEntry[] {
  return topicConfigs.map((config): ConfigEntry => {
    const { name, defaultValue, rule, documentation } = config
    const override = overrides[name]
    // The value in force comes first, as with Kafka.
    const synonyms: { name: string; value: string; source: ConfigSource }[] = []
    if (override !== undefined) synonyms.push({ name, value: override, source: 'DYNAMIC_TOPIC_CONFIG' })
    if ('serverName' in config) {
      synonyms.push({ name: config.serverName, value: defaultValue, source: 'DEFAULT_CONFIG' })
    }
    return {
      name,
      value: override ?? defaultValue,
      defaultValue,
      source: override === undefined ? 'DEFAULT_CONFIG' : 'DYNAMIC_TOPIC_CONFIG',
      isDefault: override === undefined,
      isReadOnly: false,
      isSensitive: false,
      type: rule.type,
      documentation,
      synonyms,
    }
  })
}

export function effectiveConfig(overrides: TopicConfigOverrides): TopicConfig {
  const number = (name: TopicConfigName): number => safeNumber(valueByName(overrides, name))
  const policies = splitList(valueByName(overrides, 'cleanup.policy'))
  return {
    cleanupPolicy: { compact: policies.includes('compact'), delete: policies.includes('delete') },
    compressionGzipLevel: number('compression.gzip.level'),
    compressionType: pick(compressionTypes, valueByName(overrides, 'compression.type')),
    compressionZstdLevel: number('compression.zstd.level'),
    deleteRetentionMs: number('delete.retention.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    maxMessageBytes: number('max.message.bytes'),
    messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    messageTimestampType: pick(timestampTypes, valueByName(overrides, 'message.timestamp.type')),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    retentionBytes: Math.max(-1, number('retention.bytes')),
    retentionMs: number('retention.ms'),
    segmentBytes: number('segment.bytes'),
    segmentMs: number('segment.ms'),
    writePath: pick(writePaths, valueByName(overrides, 'millrace.write.path')),
  }
}

function define(name: string): Definition {
  const definition = definitions.get(name)
  if (definition === undefined) {
    throw new KafkaError('INVALID_CONFIG', `Unknown topic config name: ${quote(name)}`)
  }
  return definition
}

function parseValue(definition: Definition, text: string): string {
  const { name, rule } = definition
  if (text.length > valueLengthMax) {
    throw new KafkaError(
      'INVALID_CONFIG',
      `The value of ${name} is longer than ${valueLengthMax} characters.`,
    )
  }
  const value = rule.canonical(text.trim())
  if (value !== undefined) return value
  throw new KafkaError(
    'INVALID_CONFIG',
    `Invalid value ${quote(text)} for ${name}: expected ${rule.expected}.`,
  )
}

// The override after the operation; undefined: none any more.
function alterValue(definition: Definition, before: string, operation: ConfigOperation): string | undefined {
  const { name, operation: kind, value = null } = operation
  if (kind === 'DELETE') return undefined
  if (value === null)
    throw new KafkaError('INVALID_REQUEST', `${kind} of topic config ${name} needs a value.`)
  if (kind === 'SET') return parseValue(definition, value)
  if (definition.rule.type !== 'LIST') {
    throw new KafkaError(
      'INVALID_CONFIG',
      `${kind} needs a config of type LIST and ${name} is ${definition.rule.type}.`,
    )
  }
  // A list that is not overridden starts from its default, as with Kafka.
  const elements = splitList(before)
  const change = splitList(value.trim())
  const after =
    kind === 'APPEND'
      ? elements.concat(change.filter((element) => !elements.includes(element)))
      : elements.filter((element) => !change.includes(element))
  return parseValue(definition, after.join(','))
}

// What no single value shows. Kafka minds the local and remote settings only where remote storage is on.
function checkTogether(overrides: TopicConfigOverrides): TopicConfigOverrides {
  const long = (name: TopicConfigName): bigint => BigInt(valueByName(overrides, name))
  const isTrue = (name: TopicConfigName): boolean => valueByName(overrides, name) === 'true'
  if (long('min.compaction.lag.ms') > long('max.compaction.lag.ms')) {
    throw contradiction(overrides, 'min.compaction.lag.ms', 'must not be more than', 'max.compaction.lag.ms')
  }
  if (!isTrue('remote.storage.enable')) return overrides
  if (splitList(valueByName(overrides, 'cleanup.policy')).includes('compact')) {
    throw contradiction(overrides, 'cleanup.policy', 'must be delete or none with', 'remote.storage.enable')
  }
  const limits = [
    ['local.retention.bytes', 'retention.bytes'],
    ['local.retention.ms', 'retention.ms'],
  ] as const
  for (const [local, total] of limits) {
    const [localLimit, limit] = [long(local), long(total)]
    // -2 takes the total's value.
    if (localLimit === -2n) continue
    if (limit > -1n && (localLimit === -1n || localLimit > limit)) {
      throw contradiction(overrides, local, 'must not be more than', total)
    }
    if (isTrue('remote.log.copy.disable') && localLimit !== limit) {
      throw contradiction(overrides, local, 'must with remote.log.copy.disable be equal to', total)
    }
  }
  return overrides
}

function contradiction(
  overrides: TopicConfigOverrides,
  first: TopicConfigName,
  relation: string,
  second: TopicConfigName,
): KafkaError {
  const show = (name: TopicConfigName): string => `${name} (${valueByName(overrides, name)})`
  return new KafkaError('INVALID_CONFIG', `${show(first)} ${relation} ${show(second)}.`)
}

function twice(name: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', `Topic config ${name} is named more than once.`)
}

function valueByName(overrides: TopicConfigOverrides, name: TopicConfigName): string {
  return currentValue(overrides, define(name))
}

function currentValue(overrides: TopicConfigOverrides, definition: Definition): string {
  return overrides[definition.name] ?? definition.defaultValue
}

function safeNumber(text: string): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(text)))
}

function pick<T extends string>(values: readonly T[], text: string): T {
  const value = values.find((candidate) => candidate === text)
  invariant(value !== undefined, `a stored config value is one of ${values.join(', ')}`)
  return value
}

// A client's text in an answer: quoted and short.
function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
