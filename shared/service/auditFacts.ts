// What the audit log says of a change beside its outcome: what was asked for, and what was there before and is there
// now. Each fact is picked by its name, so that no secret, salt or record gets here by being beside one. Pure, and
// bounded.

import type { StoredLog } from '../compaction/storedLog.ts'
import type { VerifySummary } from '../compaction/verify.ts'
import type { QuotaAlteration, QuotaEntity } from '../quotas/entity.ts'
import type { QuotaChange } from '../quotas/quotaStore.ts'
import type { AclBinding, AclFilter } from '../security/acl.ts'
import type { ScramOutcome } from '../security/scramStore.ts'
import type { ConfigOperation } from '../topics/configs.ts'
import type { ChangedTopic, Topic, TopicToCreate } from './cluster.ts'
import type { CompactionRequest, CompactionRun } from './compaction.ts'
import type { ResetOffset, ResetRequest, TopicPartition } from './groups.ts'
import type { ScramDeletion, ScramUpsertion } from './scram.ts'

export type Fact = string | number | boolean | null | undefined | readonly Fact[] | Facts
export interface Facts {
  readonly [name: string]: Fact
}

/** What a change is told by, where it is known: names are those of Kafka's requests. */
export interface ChangeFacts<T> {
  readonly request?: Facts
  readonly result?: (answer: T) => Facts
}

/** A topic's name has 249 characters at most. */
export const shorten = (text: string): string => (text.length > 256 ? `${text.slice(0, 256)}…` : text)

/** Of all lists together: a batch of a thousand bindings is told by the first of them. */
const listCharactersMax = 8192

/** `cut`: how many entries found no room, by the name of their list. */
export function bounded(facts: Facts): Facts {
  const cut = new Map<string, number>()
  let room = listCharactersMax
  const fit = (name: string, list: readonly Fact[]): readonly Fact[] => {
    const kept: Fact[] = []
    for (const one of list) {
      const entry = shortened(one)
      room -= JSON.stringify(entry ?? null).length
      if (room < 0) break
      kept.push(entry)
    }
    if (kept.length < list.length) cut.set(name, list.length - kept.length)
    return kept
  }
  const told = mapFacts(facts, (fact, name) => (isList(fact) ? fit(name, fact) : shortened(fact)))
  return cut.size === 0 ? told : { ...told, cut: Object.fromEntries(cut) }
}

function shortened(fact: Fact): Fact {
  if (typeof fact === 'string') return shorten(fact)
  if (isList(fact)) return fact.map(shortened)
  return typeof fact === 'object' && fact !== null ? mapFacts(fact, shortened) : fact
}

const isList = (fact: Fact): fact is readonly Fact[] => Array.isArray(fact)

const mapFacts = (facts: Facts, change: (fact: Fact, name: string) => Fact): Facts =>
  Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, change(fact, name)]))

type Values = Readonly<Record<string, string | number | undefined>>

/** null: the default's. */
export const valueChanges = (names: readonly string[], before: Values, after: Values): readonly Facts[] =>
  names.map((name) => ({ name, oldValue: before[name] ?? null, newValue: after[name] ?? null }))

export const topicCreation = (topic: TopicToCreate): ChangeFacts<Topic> => ({
  request: {
    numPartitions: topic.partitionCount,
    configs: topic.configs.map(({ name, value }) => ({ name, value })),
    validateOnly: topic.validateOnly,
  },
  result: ({ topicId, partitionCount }) => ({ topicId, numPartitions: partitionCount }),
})

export const partitionGrowth = (count: number, validateOnly: boolean): ChangeFacts<ChangedTopic> => ({
  request: { count, validateOnly },
  result: ({ partitionCount, before }) => ({
    changes: valueChanges(['count'], { count: before.partitionCount }, { count: partitionCount }),
  }),
})

export const configAlteration = (
  operations: readonly ConfigOperation[],
  validateOnly: boolean,
): ChangeFacts<ChangedTopic> => ({
  request: {
    configs: operations.map(({ name, operation, value }) => ({ name, configOperation: operation, value })),
    validateOnly,
  },
  result: ({ overrides, before }) => ({
    changes: valueChanges(
      operations.map(({ name }) => name),
      before.overrides,
      overrides,
    ),
  }),
})

export const recordDeletion = (partition: number, offset: number): ChangeFacts<number> => ({
  request: { partition, offset },
  result: (lowWatermark) => ({ lowWatermark }),
})

export const offsetDeletion = (partitions: readonly TopicPartition[]): ChangeFacts<unknown> => ({
  request: { partitions: partitions.map(({ topicName, partition }) => ({ topicName, partition })) },
})

export const offsetReset = ({
  topics,
  target,
  dryRun,
}: ResetRequest): ChangeFacts<readonly ResetOffset[]> => ({
  request: {
    topics: topics?.map(({ topicName, partitions }) => ({ topicName, partitions })),
    target: { ...target },
    dryRun,
  },
  result: (offsets) => ({
    offsets: offsets.map(({ topicName, partition, before, after }) => ({
      topicName,
      partition,
      oldValue: before ?? null,
      newValue: after,
    })),
  }),
})

export const aclCreation = (bindings: readonly AclBinding[]): ChangeFacts<unknown> => ({
  request: { creations: bindings.map(bindingFacts) },
})

export const aclDeletion = (filter: AclFilter): ChangeFacts<readonly AclBinding[]> => ({
  request: { filter: { ...filter } },
  result: (deleted) => ({ matchingAcls: deleted.map(bindingFacts) }),
})

const bindingFacts = (binding: AclBinding): Facts => ({
  resourceType: binding.resourceType,
  resourceName: binding.resourceName,
  patternType: binding.patternType,
  principal: binding.principal,
  host: binding.host,
  operation: binding.operation,
  permissionType: binding.permission,
})

export const quotaAlteration = (
  alterations: readonly QuotaAlteration[],
  validateOnly: boolean,
): ChangeFacts<readonly QuotaChange[]> => ({
  request: {
    entries: alterations.map(({ entity, ops }) => ({
      entity: entityFacts(entity),
      ops: ops.map(({ key, value }) => ({ key, value })),
    })),
    validateOnly,
  },
  result: (changes) => ({
    entries: changes.map(({ entity, before, after }) => ({
      entity: entityFacts(entity),
      changes: valueChanges([...new Set([...Object.keys(before), ...Object.keys(after)])], before, after),
    })),
  }),
})

const entityFacts = ({ user, clientId }: QuotaEntity): Facts => ({ user, clientId })

export const scramAlteration = (
  upsertions: readonly ScramUpsertion[],
  deletions: readonly ScramDeletion[],
): ChangeFacts<readonly ScramOutcome[]> => ({
  request: {
    upsertions: upsertions.map(({ user, mechanism, iterations }) => ({ user, mechanism, iterations })),
    deletions: deletions.map(({ user, mechanism }) => ({ user, mechanism })),
  },
  result: (outcomes) => ({
    results: outcomes.map(({ user, error }) => ({ user, status: error?.code ?? 'SUCCESS' })),
  }),
})

export const compactionRun = ({
  topicName,
  collect,
  dryRun,
}: CompactionRequest): ChangeFacts<CompactionRun> => ({
  request: { topicName, collect, dryRun },
  result: ({ unfinished, counters }) => ({
    unfinished,
    segmentsWritten: counters.segmentsWritten,
    recordsDropped: counters.recordsDropped,
    objectsDeleted: counters.objectsDeleted,
    itemsDeleted: counters.itemsDeleted,
  }),
})

export const storageVerification: ChangeFacts<VerifySummary> = {
  result: ({ unfinished, findings }) => ({ unfinished, ...findings }),
}

/** `null`: there is no such object. */
export const objectDump = (objectName: string): ChangeFacts<StoredLog | undefined> => ({
  request: { objectName },
  result: (stored) => ({ objectName: stored?.name ?? null }),
})
