// The audit log: events are gathered for a moment and appended to an internal topic of the cluster they are about, by
// the cluster's own engine. Nobody waits for it, and it holds a bounded number of events: what finds no room, or could
// not be stored, is counted, reported, and told in the log itself, so that a gap does not look like silence. Events
// that are of no cluster, or of one that is being deleted, are the operators' and go to the log of the process.

import { KafkaError } from '../base/errors.ts'
import type { Clock, Random } from '../ports/world.ts'
import { auditTopicName } from '../topics/names.ts'
import { type AuditEntry, type AuditEvent, auditEvent } from './auditEvent.ts'
import type { Cluster, RecordToProduce } from './cluster.ts'

export interface AuditLogDeps {
  readonly clock: Clock
  readonly random: Random
  /** As it is, without anybody's rights or quotas. */
  readonly cluster: (clusterId: string) => Pick<Cluster, 'createTopic' | 'produceRecords'>
  /** False: nothing may be stored there any more. */
  readonly isThere: (clusterId: string) => Promise<boolean>
  /** Into the log of the process. */
  readonly tell: (event: AuditEvent) => void
  readonly reportBackgroundFailure: (error: unknown) => void
}

export interface AuditLog {
  note(entry: AuditEntry): void
  /** Resolves when everything that was noted is stored, or is known not to be. */
  idle(): Promise<void>
}

interface Pending {
  readonly events: AuditEvent[]
  /** What its events weigh, and those among them that tell of a refusal. */
  weight: number
  refusals: number
  /** For want of room; and refusals for want of theirs, which is no failure of anybody's but the caller's. */
  dropped: number
  droppedRefusals: number
  readonly hurry: AbortController
}

const lingerMs = 1000
/** What gathered events weigh, of one cluster and of all: one for each event, and for each KiB of its facts. */
const weightPerClusterMax = 1000
export const weightMax = 10_000
/** Anybody can be refused as often as he likes: changes keep their room, and the log its size. */
const refusalsPerClusterMax = 100
const eventsPerAppend = 500
const retentionMs = 7 * 24 * 3600_000

export function createAuditLog(deps: AuditLogDeps): AuditLog {
  const gathering = new Map<string | undefined, Pending>()
  /** The last of each cluster, which waits for those before it. */
  const underWay = new Map<string | undefined, Promise<void>>()
  let held = 0

  const store = async (clusterId: string | undefined, pending: Pending, before?: Promise<void>) => {
    await deps.clock.sleep(lingerMs, pending.hurry.signal)
    // In their order; and a cluster that is slow to store takes no more room than for what it gathers meanwhile.
    await before
    gathering.delete(clusterId)
    const missing = pending.dropped + pending.droppedRefusals
    const events =
      missing === 0 ? pending.events : [...pending.events, droppedEvent(deps, clusterId, missing)]
    const unstored = clusterId === undefined ? tellAll(deps, events) : await append(deps, clusterId, events)
    const lost = pending.dropped + Math.min(pending.events.length, unstored)
    if (lost > 0) deps.reportBackgroundFailure(lostEvents(clusterId, lost))
  }

  const begin = (clusterId: string | undefined): Pending => {
    const pending = newPending()
    gathering.set(clusterId, pending)
    const done = store(clusterId, pending, underWay.get(clusterId)).catch(deps.reportBackgroundFailure)
    underWay.set(clusterId, done)
    void done.then(() => {
      held -= pending.weight
      if (underWay.get(clusterId) === done) underWay.delete(clusterId)
    })
    return pending
  }

  return {
    note(entry) {
      const { clusterId } = entry
      const pending = gathering.get(clusterId) ?? begin(clusterId)
      const isRefusal = refusals.includes(entry.status)
      if (isRefusal && pending.refusals >= refusalsPerClusterMax) {
        pending.droppedRefusals++
        return
      }
      // No more than it leaves free: however many fill theirs, there is room for another one.
      if (pending.weight >= Math.min(weightPerClusterMax, weightMax - held)) {
        pending.dropped++
        return
      }
      const event = auditEvent(entry, uuid(deps.random), deps.clock.now())
      const weight = weightOf(event)
      held += weight
      pending.weight += weight
      if (isRefusal) pending.refusals++
      pending.events.push(event)
    },
    async idle() {
      while (underWay.size > 0) {
        for (const { hurry } of gathering.values()) hurry.abort()
        await Promise.all(underWay.values())
      }
    },
  }
}

const newPending = (): Pending => ({
  ...{ events: [], weight: 0, refusals: 0, dropped: 0, droppedRefusals: 0 },
  hurry: new AbortController(),
})

const refusals = ['PERMISSION_DENIED', 'UNAUTHENTICATED']

const weightOf = ({ data: { request, result } }: AuditEvent): number =>
  1 + Math.floor((lengthOf(request) + lengthOf(result)) / 1024)

const lengthOf = (part: { readonly data?: unknown }): number => JSON.stringify(part.data)?.length ?? 0

function tellAll({ tell }: AuditLogDeps, events: readonly AuditEvent[]): 0 {
  for (const event of events) tell(event)
  return 0
}

/** Answers how many were not stored. */
async function append(deps: AuditLogDeps, clusterId: string, events: readonly AuditEvent[]): Promise<number> {
  let stored = 0
  try {
    // A topic that is made while its cluster is being deleted would stay for ever.
    if (!(await deps.isThere(clusterId))) return tellAll(deps, events)
    const cluster = deps.cluster(clusterId)
    for (let at = 0; at < events.length; at += eventsPerAppend) {
      const records = events.slice(at, at + eventsPerAppend).map(recordOf)
      const outcomes = await appendOrCreate(cluster, records)
      stored += outcomes.filter(({ ok }) => ok).length
    }
  } catch (error) {
    deps.reportBackgroundFailure(error)
  }
  return events.length - stored
}

async function appendOrCreate(
  cluster: ReturnType<AuditLogDeps['cluster']>,
  records: readonly RecordToProduce[],
) {
  try {
    return await cluster.produceRecords(auditTopicName, records)
  } catch (error) {
    if (!hasCode(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
  }
  const configs = [{ name: 'retention.ms', value: String(retentionMs) }]
  const topic = { name: auditTopicName, partitionCount: 1, configs, validateOnly: false }
  await cluster.createTopic(topic).catch((error: unknown) => {
    if (!hasCode(error, 'TOPIC_ALREADY_EXISTS')) throw error
  })
  return cluster.produceRecords(auditTopicName, records)
}

const hasCode = (error: unknown, code: string): boolean => error instanceof KafkaError && error.code === code

const mediaType = Buffer.from('application/cloudevents+json; charset=UTF-8')

const recordOf = (event: object): RecordToProduce => ({
  partition: 0,
  key: null,
  value: Buffer.from(JSON.stringify(event)),
  headers: [{ key: 'content-type', value: mediaType }],
})

function droppedEvent({ clock, random }: AuditLogDeps, clusterId: string | undefined, count: number) {
  const entry: AuditEntry = {
    kind: 'request',
    clusterId,
    method: 'DroppedAuditEvents',
    caller: { ...nobody, requestId: String(count) },
    about: `dropped=${count}`,
    status: 'RESOURCE_EXHAUSTED',
  }
  return auditEvent(entry, uuid(random), clock.now())
}

const nobody = {
  principal: 'None:AUDIT_LOG',
  credentialId: undefined,
  mechanism: '',
  host: '',
  clientId: '',
}

const lostEvents = (clusterId: string | undefined, count: number): Error =>
  new Error(`${count} events of the audit log of ${clusterId ?? 'the deployment'} were dropped`)

/** RFC 9562, version 4. */
function uuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
