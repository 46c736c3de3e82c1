// A cluster whose calls are told to the audit log. Told is every refusal for want of a right, and every change of
// something that lasts, with what came of it. Not told is who produced and fetched, or looked at something: as at
// Confluent that would be as many events as there are requests.

import { KafkaError } from '../base/errors.ts'
import { type AskedOperation, clusterResource, type Resource } from '../security/acl.ts'
import { deniedIn } from './ask.ts'
import type { Acls, ClientQuotas, Cluster } from './cluster.ts'
import type { Groups } from './groups.ts'
import type { InstanceStore } from './instanceStore.ts'
import type { Scram } from './scram.ts'

export interface AuditedCall {
  /** Kafka's name of the request. */
  readonly method: string
  readonly operation: AskedOperation
  readonly resource: Resource
}

export type NoteCall = (call: AuditedCall, granted: boolean, status: string) => void

export function createAuditedCluster(cluster: Cluster, note: NoteCall): Cluster {
  const watch = createWatch(note)
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

interface Watch {
  /** Told where it is refused. */
  look<T>(call: AuditedCall, work: () => Promise<T>): Promise<T>
  /** Told always. */
  change<T>(call: AuditedCall, work: () => Promise<T>): Promise<T>
}

function createWatch(note: NoteCall): Watch {
  const noteDenied = (call: AuditedCall, error: unknown): boolean => {
    const denied = deniedIn(error)
    if (denied !== undefined) note({ ...call, ...denied }, false, 'PERMISSION_DENIED')
    return denied !== undefined
  }
  const look: Watch['look'] = async (call, work) => {
    try {
      const answer = await work()
      if (Array.isArray(answer)) for (const { error } of answer) noteDenied(call, error)
      return answer
    } catch (error) {
      noteDenied(call, error)
      throw error
    }
  }
  const change: Watch['change'] = async (call, work) => {
    try {
      const answer = await work()
      note(call, true, statusOf(answer))
      return answer
    } catch (error) {
      if (!noteDenied(call, error)) note(call, true, error instanceof KafkaError ? error.code : 'INTERNAL')
      throw error
    }
  }
  return { look, change }
}

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
const onCluster = (method: string, operation: AskedOperation): AuditedCall => ({
  method,
  operation,
  resource: clusterResource,
})

function auditTopics(cluster: Cluster, { look, change }: Watch) {
  const { createTopic, deleteTopic, createPartitions, describeTopic, describeConfigs, alterConfigs } = cluster
  return {
    createTopic: (...given) =>
      change(onTopic('CreateTopics', 'CREATE', given[0].name), () => createTopic(...given)),
    deleteTopic: (name) => change(onTopic('DeleteTopics', 'DELETE', name), () => deleteTopic(name)),
    createPartitions: (...given) =>
      change(onTopic('CreatePartitions', 'ALTER', given[0]), () => createPartitions(...given)),
    describeTopic: (name) => look(onTopic('Metadata', 'DESCRIBE', name), () => describeTopic(name)),
    describeConfigs: (name) =>
      look(onTopic('DescribeConfigs', 'DESCRIBE_CONFIGS', name), () => describeConfigs(name)),
    alterConfigs: (...given) =>
      change(onTopic('IncrementalAlterConfigs', 'ALTER_CONFIGS', given[0]), () => alterConfigs(...given)),
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
    deleteRecords: (...given) =>
      change(onTopic('DeleteRecords', 'DELETE', given[0]), () => deleteRecords(...given)),
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
    deleteOffsets: (...given) =>
      look(onGroup('OffsetDelete', 'DELETE', given[0]), () =>
        change(onGroup('OffsetDelete', 'DELETE', given[0]), () => deleteOffsets(...given)),
      ),
    resetOffsets: (request) =>
      change(onGroup('OffsetCommit', 'READ', request.groupId), () => resetOffsets(request)),
  }
}

function auditAcls(acls: Acls, { look, change }: Watch): Acls {
  return {
    list: (filter) => look(onCluster('DescribeAcls', 'DESCRIBE'), () => acls.list(filter)),
    create: (bindings) => change(onCluster('CreateAcls', 'ALTER'), () => acls.create(bindings)),
    delete: (filter) => change(onCluster('DeleteAcls', 'ALTER'), () => acls.delete(filter)),
  }
}

function auditQuotas(quotas: ClientQuotas, { look, change }: Watch): ClientQuotas {
  return {
    describe: (filter) =>
      look(onCluster('DescribeClientQuotas', 'DESCRIBE_CONFIGS'), () => quotas.describe(filter)),
    alter: (...given) =>
      change(onCluster('AlterClientQuotas', 'ALTER_CONFIGS'), () => quotas.alter(...given)),
  }
}

function auditScram(scram: Scram, { look, change }: Watch): Scram {
  const { describe, alter } = scram
  return {
    describe: () => look(onCluster('DescribeUserScramCredentials', 'DESCRIBE'), () => describe()),
    alter: (...given) => change(onCluster('AlterUserScramCredentials', 'ALTER'), () => alter(...given)),
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
