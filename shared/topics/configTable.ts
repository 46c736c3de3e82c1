// Every config of a topic, once, in the order of the names: Kafka 4's and Millrace's own.
// A default stands as Kafka renders it. `serverName` is the broker config that Kafka reports as the source
// of the default; it is absent where Kafka reports none. A config that changes nothing here ("reported") says
// why in its documentation. Configs that Kafka 4 removed are not here: they are refused like unknown names.
import {
  boolean,
  gzipLevel,
  int,
  listOf,
  long,
  oneOf,
  ratio,
  throttledReplicas,
  type ValueRule,
} from './configValues.ts'

interface TopicConfigRow {
  readonly name: string
  readonly rule: ValueRule
  readonly defaultValue: string
  readonly serverName?: string
  /** "reported": accepted, kept and described, but without effect. */
  readonly effect: 'applied' | 'reported'
  readonly documentation: string
}

export const compressionTypes = ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'] as const
export const timestampTypes = ['CreateTime', 'LogAppendTime'] as const
export const writePaths = ['auto', 's3', 'inline'] as const

export const topicConfigs = [
  {
    name: 'cleanup.policy',
    rule: listOf(['compact', 'delete']),
    defaultValue: 'delete',
    serverName: 'log.cleanup.policy',
    effect: 'applied',
    documentation:
      'What may go: old records (delete), all but the last of a key (compact) or, if empty, none.',
  },
  {
    name: 'compression.gzip.level',
    rule: gzipLevel,
    defaultValue: '-1',
    serverName: 'compression.gzip.level',
    effect: 'applied',
    documentation: 'The level at which gzip compresses where compression.type is gzip.',
  },
  {
    name: 'compression.lz4.level',
    rule: int(1n, 17n),
    defaultValue: '9',
    serverName: 'compression.lz4.level',
    effect: 'reported',
    documentation: 'Without effect: LZ4 is written at one level here.',
  },
  {
    name: 'compression.type',
    rule: oneOf(compressionTypes),
    defaultValue: 'producer',
    serverName: 'compression.type',
    effect: 'applied',
    documentation: 'How stored batches are compressed: by one codec, not at all, or as they came (producer).',
  },
  {
    name: 'compression.zstd.level',
    rule: int(-131072n, 22n),
    defaultValue: '3',
    serverName: 'compression.zstd.level',
    effect: 'applied',
    documentation: 'The level at which Zstandard compresses where compression.type is zstd.',
  },
  {
    name: 'delete.retention.ms',
    rule: long(0n),
    defaultValue: '86400000',
    serverName: 'log.cleaner.delete.retention.ms',
    effect: 'applied',
    documentation: 'How long compaction keeps a tombstone, so that slow readers still see the deletion.',
  },
  {
    name: 'file.delete.delay.ms',
    rule: long(0n),
    defaultValue: '60000',
    serverName: 'log.segment.delete.delay.ms',
    effect: 'reported',
    documentation: 'Without effect: objects no longer named wait for a grace that outlasts every reader.',
  },
  {
    name: 'flush.messages',
    rule: long(1n),
    defaultValue: '9223372036854775807',
    serverName: 'log.flush.interval.messages',
    effect: 'reported',
    documentation: 'Without effect: every record is durable before it is acknowledged.',
  },
  {
    name: 'flush.ms',
    rule: long(0n),
    defaultValue: '9223372036854775807',
    effect: 'reported',
    documentation: 'Without effect: every record is durable before it is acknowledged.',
  },
  {
    name: 'follower.replication.throttled.replicas',
    rule: throttledReplicas,
    defaultValue: '',
    effect: 'reported',
    documentation: 'Without effect: the storage replicates, and there is no such traffic to throttle.',
  },
  {
    name: 'index.interval.bytes',
    rule: int(0n),
    defaultValue: '4096',
    serverName: 'log.index.interval.bytes',
    effect: 'reported',
    documentation: 'Without effect: the index of a segment has an entry for each mebibyte.',
  },
  {
    name: 'leader.replication.throttled.replicas',
    rule: throttledReplicas,
    defaultValue: '',
    effect: 'reported',
    documentation: 'Without effect: the storage replicates, and there is no such traffic to throttle.',
  },
  {
    name: 'local.retention.bytes',
    rule: long(-2n),
    defaultValue: '-2',
    serverName: 'log.local.retention.bytes',
    effect: 'reported',
    documentation: 'Without effect: no broker keeps a local copy, and retention.bytes is the limit.',
  },
  {
    name: 'local.retention.ms',
    rule: long(-2n),
    defaultValue: '-2',
    serverName: 'log.local.retention.ms',
    effect: 'reported',
    documentation: 'Without effect: no broker keeps a local copy, and retention.ms is the limit.',
  },
  {
    name: 'max.compaction.lag.ms',
    rule: long(1n),
    defaultValue: '9223372036854775807',
    serverName: 'log.cleaner.max.compaction.lag.ms',
    effect: 'applied',
    documentation: 'How long a record may stay out of reach of compaction at most.',
  },
  {
    name: 'max.message.bytes',
    rule: int(0n),
    defaultValue: '1048588',
    serverName: 'message.max.bytes',
    effect: 'applied',
    documentation: 'The largest record batch, in bytes as stored, that an append may bring.',
  },
  {
    name: 'message.timestamp.after.max.ms',
    rule: long(0n),
    defaultValue: '3600000',
    serverName: 'log.message.timestamp.after.max.ms',
    effect: 'applied',
    documentation: 'How far the CreateTime of a record may be ahead of the clock of the service.',
  },
  {
    name: 'message.timestamp.before.max.ms',
    rule: long(0n),
    defaultValue: '9223372036854775807',
    serverName: 'log.message.timestamp.before.max.ms',
    effect: 'applied',
    documentation: 'How far the CreateTime of a record may be behind the clock of the service.',
  },
  {
    name: 'message.timestamp.type',
    rule: oneOf(timestampTypes),
    defaultValue: 'CreateTime',
    serverName: 'log.message.timestamp.type',
    effect: 'applied',
    documentation: 'The time that a record carries: of its producer (CreateTime) or of its append.',
  },
  {
    name: 'millrace.write.path',
    rule: oneOf(writePaths),
    defaultValue: 'auto',
    effect: 'applied',
    documentation: 'Where batches go: the table (inline), objects (s3), or the table up to a few KB (auto).',
  },
  {
    name: 'min.cleanable.dirty.ratio',
    rule: ratio,
    defaultValue: '0.5',
    serverName: 'log.cleaner.min.cleanable.ratio',
    effect: 'applied',
    documentation: 'The share of a log not yet compacted from which on a compaction is worth its cost.',
  },
  {
    name: 'min.compaction.lag.ms',
    rule: long(0n),
    defaultValue: '0',
    serverName: 'log.cleaner.min.compaction.lag.ms',
    effect: 'applied',
    documentation: 'How long every record stays as it was written before compaction may remove it.',
  },
  {
    name: 'min.insync.replicas',
    rule: int(1n),
    defaultValue: '1',
    serverName: 'min.insync.replicas',
    effect: 'reported',
    documentation: 'Without effect: an acknowledged record is in durable storage, whatever the number.',
  },
  {
    name: 'preallocate',
    rule: boolean,
    defaultValue: 'false',
    serverName: 'log.preallocate',
    effect: 'reported',
    documentation: 'Without effect: objects are written whole, so there is no file to allocate.',
  },
  {
    name: 'remote.log.copy.disable',
    rule: boolean,
    defaultValue: 'false',
    effect: 'reported',
    documentation: 'Without effect: there is one tier of storage and nothing is copied to another.',
  },
  {
    name: 'remote.log.delete.on.disable',
    rule: boolean,
    defaultValue: 'false',
    effect: 'reported',
    documentation: 'Without effect: there is one tier of storage and no second copy to delete.',
  },
  {
    name: 'remote.storage.enable',
    rule: boolean,
    defaultValue: 'false',
    effect: 'reported',
    documentation: 'Without effect: every record is in remote storage anyway.',
  },
  {
    name: 'retention.bytes',
    rule: long(),
    defaultValue: '-1',
    serverName: 'log.retention.bytes',
    effect: 'applied',
    documentation: 'How many bytes a partition keeps before its oldest segments go; negative sets no limit.',
  },
  {
    name: 'retention.ms',
    rule: long(-1n),
    defaultValue: '604800000',
    effect: 'applied',
    documentation: 'How long a record is kept after its timestamp; -1 sets no limit.',
  },
  {
    name: 'segment.bytes',
    rule: int(1048576n),
    defaultValue: '1073741824',
    serverName: 'log.segment.bytes',
    effect: 'applied',
    documentation: 'The size up to which merging fills one segment.',
  },
  {
    name: 'segment.index.bytes',
    rule: int(4n),
    defaultValue: '10485760',
    serverName: 'log.index.size.max.bytes',
    effect: 'reported',
    documentation: 'Without effect: the index of a segment grows with the segment.',
  },
  {
    name: 'segment.jitter.ms',
    rule: long(0n),
    defaultValue: '0',
    effect: 'reported',
    documentation: 'Without effect: merging follows a schedule, so there is no burst to spread.',
  },
  {
    name: 'segment.ms',
    rule: long(1n),
    defaultValue: '604800000',
    effect: 'applied',
    documentation: 'The age at which records are merged into a segment even when they do not fill it.',
  },
  {
    name: 'unclean.leader.election.enable',
    rule: boolean,
    defaultValue: 'false',
    serverName: 'unclean.leader.election.enable',
    effect: 'reported',
    documentation: 'Without effect: there is no leader to elect, and none whose election loses records.',
  },
] as const satisfies readonly TopicConfigRow[]

export type TopicConfigName = (typeof topicConfigs)[number]['name']
