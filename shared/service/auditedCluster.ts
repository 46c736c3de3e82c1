// A cluster whose calls are told to the audit log. Told is every refusal for want of a right, and every change of
// something that lasts, with what let it, what changed and what came of it. Not told is who produced and fetched, or
// looked at something: as at Confluent that would be as many events as there are requests.

import { KafkaError } from '../base/errors.ts'
import { type AskedOperation, clusterResource, type Resource } from '../security/acl.ts'
import { type Decision, type Denied, RefusedError } from './ask.ts'
import {
  aclCreation,
  aclDeletion,
  type ChangeFacts,
  configAlteration,
  type Facts,
  offsetDeletion,
  offsetReset,
  partitionGrowth,
  quotaAlteration,
  recordDeletion,
  scramAlteration,
  topicCreation,
} from './auditFacts.ts'
import type { Acls, ClientQuotas, Cluster } from './cluster.ts'
import type { Begin } from './grants.ts'
import type { Groups } from './groups.ts'
import type { InstanceStore } from './instanceStore.ts'
import type { Scram } from './scram.ts'

export interface AuditedCall {
  /** Kafka's name of the request. */
  readonly method: string
  readonly operation: AskedOperation
  readonly resource: Resource
}

export interface ToldFacts {
  readonly request?: Facts | undefined
  readonly result?: Facts | undefined
}

export type NoteCall = (call: AuditedCall, decision: Decision, status: string, facts?: ToldFacts) => void

export function createAuditedCluster(cluster: Cluster, note: NoteCall, begin: Begin): Cluster {
  const watch = createWatch(note, begin)
  return {
    ...cluster,
    ...auditTopics(cluster, watch),
    ...auditRecords(cluster, watch),
    groups: auditGroups(cluster.groups, watch),
    acls: cluster.acls && auditAcls(cluster.acls, watch),
    clientQuotas: cluster.clientQuotas && auditQuotas(cluster.clientQuotas, watch),
    scram: auditScram(cluster.scram, watch),
    instances: auditInstances(cluster.instances, watch),
  }
}

/** Told where it is refused. */
export type Look = <T>(call: AuditedCall, work: () => Promise<T>) => Promise<T>

interface Watch {
  readonly look: Look
  /** Told always. */
  change<T>(call: AuditedCall, work: () => Promise<T>, facts?: ChangeFacts<T>): Promise<T>
}

export function createLook(note: NoteCall): Look {
  return async (call, work) => {
    try {
      const answer = await work()
      noteRefusedParts(note, call, answer)
      return answer
    } catch (error) {
      noteRefused(note, call, error)
      throw error
    }
  }
}

export function createWatch(note: NoteCall, begin: Begin): Watch {
  const change: Watch['change'] = async (call, work, { request, result } = {}) => {
    const { running, grant } = begin(work)
    try {
      const answer = await running
      note(call, grant, statusOf(answer), { request, result: result?.(answer) })
      noteRefusedParts(note, call, answer)
      return answer
    } catch (error) {
      const status = error instanceof KafkaError ? error.code : 'INTERNAL'
      if (!noteRefused(note, call, error)) note(call, grant, status, { request })
      throw error
    }
  }
  return { look: createLook(note), change }
}

function noteRefused(note: NoteCall, call: AuditedCall, error: unknown): boolean {
  if (!(error instanceof RefusedError)) return false
  const { operation, resource, decision } = error.denied
  note({ ...call, operation, resource }, decision, 'PERMISSION_DENIED')
  return true
}

/** A call in parts may name one topic a thousand times. */
function noteRefusedParts(note: NoteCall, call: AuditedCall, answer: unknown): void {
  if (!Array.isArray(answer)) return
  const told = new Set<string>()
  for (const { error } of answer) {
    if (!(error instanceof RefusedError)) continue
    const what = textOf(error.denied)
    if (!told.has(what)) noteRefused(note, call, error)
    told.add(what)
  }
}

const textOf = ({ operation, resource: { type, name } }: Denied): string => `${operation} ${type} ${name}`

/** Of a change in parts: how the first failed that did. */
function statusOf(answer: unknown): string {
  const parts: readonly { readonly error?: unknown }[] = Array.isArray(answer) ? answer : []
  const failed = parts.find(({ error }) => error instanceof KafkaError)?.error
  return failed instanceof KafkaError ? failed.code : 'SUCCESS'
}

const onTopic = (method: string, operation: AskedOperation, name: string): AuditedCall => ({
  method,
  operation,
  resource: { type: 'TOPIC', name },
})
const onGroup = (method: string, operation: AskedOperation, name: string): AuditedCall => ({
  method,
  operation,
  resource: { type: 'GROUP', name },
})
export const onCluster = (method: string, operation: AskedOperation): AuditedCall => ({
  method,
  operation,
  resource: clusterResource,
})

function auditTopics(cluster: Cluster, { look, change }: Watch) {
  const { createTopic, deleteTopic, createPartitions, describeTopic, describeConfigs, alterConfigs } = cluster
  return {
    createTopic: (...given) =>
      change(
        onTopic('CreateTopics', 'CREATE', given[0].name),
        () => createTopic(...given),
        topicCreation(given[0]),
      ),
    deleteTopic: (name) => change(onTopic('DeleteTopics', 'DELETE', name), () => deleteTopic(name)),
    createPartitions: (name, count, validateOnly) =>
      change(
        onTopic('CreatePartitions', 'ALTER', name),
        () => createPartitions(name, count, validateOnly),
        partitionGrowth(count, validateOnly),
      ),
    describeTopic: (name) => look(onTopic('Metadata', 'DESCRIBE', name), () => describeTopic(name)),
    describeConfigs: (name) =>
      look(onTopic('DescribeConfigs', 'DESCRIBE_CONFIGS', name), () => describeConfigs(name)),
    alterConfigs: (name, operations, validateOnly) =>
      change(
        onTopic('IncrementalAlterConfigs', 'ALTER_CONFIGS', name),
        () => alterConfigs(name, operations, validateOnly),
        configAlteration(operations, validateOnly),
      ),
  } satisfies Partial<Cluster>
}

function auditRecords(cluster: Cluster, { look, change }: Watch) {
  const { produceRecords, produceBatches, initProducer, listOffsets, deleteRecords } = cluster
  return {
    admitProduce: (name) => look(onTopic('Produce', 'WRITE', name), () => cluster.admitProduce(name)),
    produceRecords: (...given) => look(onTopic('Produce', 'WRITE', given[0]), () => produceRecords(...given)),
    produceBatches: (...given) => look(onTopic('Produce', 'WRITE', given[0]), () => produceBatches(...given)),
    initProducer: () => look(onCluster('InitProducerId', 'IDEMPOTENT_WRITE'), () => initProducer()),
    fetch: (request) => look(onTopic('Fetch', 'READ', request.topicName), () => cluster.fetch(request)),
    listOffsets: (...given) =>
      look(onTopic('ListOffsets', 'DESCRIBE', given[0]), () => listOffsets(...given)),
    deleteRecords: (name, partition, offset) =>
      change(
        onTopic('DeleteRecords', 'DELETE', name),
        () => deleteRecords(name, partition, offset),
        recordDeletion(partition, offset),
      ),
  } satisfies Partial<Cluster>
}

function auditGroups(groups: Groups, { look, change }: Watch): Groups {
  const { heartbeat, listGroups, describeGroup, deleteGroup, lags } = groups
  const { commitOffsets, committedOffsets, deleteOffsets, resetOffsets } = groups
  return {
    listGroups: () => listGroups(),
    heartbeat: (request) =>
      look(onGroup('ConsumerGroupHeartbeat', 'READ', request.groupId), () => heartbeat(request)),
    describeGroup: (id) => look(onGroup('ConsumerGroupDescribe', 'DESCRIBE', id), () => describeGroup(id)),
    lags: (id) => look(onGroup('ConsumerGroupDescribe', 'DESCRIBE', id), () => lags(id)),
    deleteGroup: (id) => change(onGroup('DeleteGroups', 'DELETE', id), () => deleteGroup(id)),
    commitOffsets: (...given) =>
      look(onGroup('OffsetCommit', 'READ', given[0]), () => commitOffsets(...given)),
    committedOffsets: (...given) =>
      look(onGroup('OffsetFetch', 'DESCRIBE', given[0]), () => committedOffsets(...given)),
    deleteOffsets: (id, partitions) =>
      change(
        onGroup('OffsetDelete', 'DELETE', id),
        () => deleteOffsets(id, partitions),
        offsetDeletion(partitions),
      ),
    resetOffsets: (request) =>
      change(
        onGroup('OffsetCommit', 'READ', request.groupId),
        () => resetOffsets(request),
        offsetReset(request),
      ),
  }
}

function auditAcls(acls: Acls, { look, change }: Watch): Acls {
  return {
    list: (filter) => look(onCluster('DescribeAcls', 'DESCRIBE'), () => acls.list(filter)),
    create: (bindings) =>
      change(onCluster('CreateAcls', 'ALTER'), () => acls.create(bindings), aclCreation(bindings)),
    delete: (filter) =>
      change(onCluster('DeleteAcls', 'ALTER'), () => acls.delete(filter), aclDeletion(filter)),
  }
}

function auditQuotas(quotas: ClientQuotas, { look, change }: Watch): ClientQuotas {
  return {
    describe: (filter) =>
      look(onCluster('DescribeClientQuotas', 'DESCRIBE_CONFIGS'), () => quotas.describe(filter)),
    alter: (...given) =>
      change(
        onCluster('AlterClientQuotas', 'ALTER_CONFIGS'),
        () => quotas.alter(...given),
        quotaAlteration(...given),
      ),
  }
}

function auditScram(scram: Scram, { look, change }: Watch): Scram {
  const { describe, alter } = scram
  return {
    describe: () => look(onCluster('DescribeUserScramCredentials', 'DESCRIBE'), () => describe()),
    alter: (...given) =>
      change(
        onCluster('AlterUserScramCredentials', 'ALTER'),
        () => alter(...given),
        scramAlteration(...given),
      ),
  }
}

function auditInstances(instances: InstanceStore, { look }: Watch): InstanceStore {
  const on = (groupId: string) => onGroup('ConsumerGroupHeartbeat', 'READ', groupId)
  return {
    create: (id, instance) => look(on(id.groupId), () => instances.create(id, instance)),
    read: (id) => look(on(id.groupId), () => instances.read(id)),
    update: (id, update) => look(on(id.groupId), () => instances.update(id, update)),
    delete: (id, before) => look(on(id.groupId), () => instances.delete(id, before)),
  }
}
