// The audit log: events are gathered for a moment and appended to an internal topic of the cluster they are about, by
// the cluster's own engine. Nobody waits for it, and it holds a bounded number of events: what finds no room, or could
// not be stored, is counted, reported, and told in the log itself, so that a gap does not look like silence. Events
// that are of no cluster are the operators' and go to the log of the process.

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
  dropped: number
  readonly hurry: AbortController
  /** Resolves when its events have been dealt with. */
  done: Promise<void>
}

const lingerMs = 1000
/** Of one cluster in `lingerMs`; of all of them. */
const eventsPerClusterMax = 1000
export const eventsMax = 10_000
const eventsPerAppend = 500
const retentionMs = 7 * 24 * 3600_000

export function createAuditLog(deps: AuditLogDeps): AuditLog {
  const gathering = new Map<string | undefined, Pending>()
  const underWay = new Set<Promise<void>>()
  let held = 0

  const store = async (clusterId: string | undefined, pending: Pending): Promise<void> => {
    await deps.clock.sleep(lingerMs, pending.hurry.signal)
    gathering.delete(clusterId)
    const { events, dropped } = pending
    const lost =
      dropped + (clusterId === undefined ? tellAll(deps, events) : await append(deps, clusterId, pending))
    held -= events.length
    if (lost > 0) deps.reportBackgroundFailure(lostEvents(clusterId, lost))
  }

  const begin = (clusterId: string | undefined): Pending => {
    const pending: Pending = { events: [], dropped: 0, hurry: new AbortController(), done: Promise.resolve() }
    gathering.set(clusterId, pending)
    pending.done = store(clusterId, pending).catch(deps.reportBackgroundFailure)
    underWay.add(pending.done)
    void pending.done.then(() => underWay.delete(pending.done))
    return pending
  }

  return {
    note(entry) {
      const { clusterId } = entry
      const pending = gathering.get(clusterId) ?? begin(clusterId)
      if (held >= eventsMax || pending.events.length >= eventsPerClusterMax) {
        pending.dropped++
        return
      }
      held++
      pending.events.push(auditEvent(entry, uuid(deps.random), deps.clock.now()))
    },
    async idle() {
      while (underWay.size > 0) {
        for (const { hurry } of gathering.values()) hurry.abort()
        await Promise.all(underWay)
      }
    },
  }
}

function tellAll({ tell }: AuditLogDeps, events: readonly AuditEvent[]): 0 {
  for (const event of events) tell(event)
  return 0
}

/** Answers how many were not stored. */
async function append(deps: AuditLogDeps, clusterId: string, { events, dropped }: Pending): Promise<number> {
  const told = [...events, ...(dropped === 0 ? [] : [droppedEvent(deps, clusterId, dropped)])]
  let stored = 0
  try {
    // A topic that is made while its cluster is being deleted would stay for ever.
    if (!(await deps.isThere(clusterId))) return 0
    const cluster = deps.cluster(clusterId)
    for (let at = 0; at < told.length; at += eventsPerAppend) {
      const records = told.slice(at, at + eventsPerAppend).map(recordOf)
      const outcomes = await appendOrCreate(cluster, records)
      stored += outcomes.filter(({ ok }) => ok).length
    }
  } catch (error) {
    deps.reportBackgroundFailure(error)
  }
  return Math.min(events.length, told.length - stored)
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

function droppedEvent({ clock, random }: AuditLogDeps, clusterId: string, count: number) {
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
  isSuperUser: true,
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
