// The group calls of v3 as clients send them, each noted in the history.

import { begin, type Sim } from '../sim.ts'
import {
  type CommitOp,
  type FetchOffsetsOp,
  type Place,
  placeName,
  type RemoveOp,
  type ResetOp,
} from './history.ts'
import { type Body, exchange, type Network, type Reply } from './network.ts'
import type { GroupRun } from './run.ts'

const groupPath = (groupId: string): string =>
  `/v3/clusters/sim/consumer-groups/${encodeURIComponent(groupId)}`

export const calm: Network = { late: 0, twice: 0, lateMsMax: 0 }

export const post = (sim: Sim, network: Network, groupId: string, verb: string, body: object) =>
  exchange(sim, network, begin(sim), { method: 'POST', path: `${groupPath(groupId)}${verb}`, body })

export async function stateOf(sim: Sim, groupId: string): Promise<string | undefined> {
  const { reply } = await exchange(sim, calm, begin(sim), { method: 'GET', path: groupPath(groupId) })
  return reply?.body.state
}

/** Whatever is to be seen there is seen; what it shows others check. */
export async function view({ sim }: GroupRun, groupId: string, path: string): Promise<void> {
  await exchange(sim, calm, begin(sim), { method: 'GET', path: `${groupPath(groupId)}${path}` })
}

export interface Committer {
  readonly groupId: string
  readonly name: string
  readonly memberId: string
  readonly memberEpoch: number
}

const body = ({ memberId, memberEpoch }: Committer) => ({ member_id: memberId, member_epoch: memberEpoch })

const placeBody = ({ topicName, partition }: Place) => ({ topic_name: topicName, partition_id: partition })

export async function commit(
  { sim, history }: GroupRun,
  network: Network,
  member: Committer,
  offsets: readonly (Place & { readonly offset: number })[],
): Promise<CommitOp> {
  const op: CommitOp = {
    ...{ kind: 'commit', groupId: member.groupId, member: member.name, memberEpoch: member.memberEpoch },
    ...begin(sim),
    offsets: new Map(offsets.map((one) => [placeName(one), one.offset])),
    acked: new Set(),
    isRefused: false,
    isLate: false,
  }
  history.ops.push(op)
  const sent = offsets.map((one) => ({ ...placeBody(one), offset: one.offset }))
  const { reply, isLate } = await exchange(sim, network, op, {
    method: 'POST',
    path: `${groupPath(member.groupId)}/offsets:commit`,
    body: { ...body(member), offsets: sent },
  })
  op.isLate = isLate
  if (!reply) return op
  if (reply.status !== 200) op.isRefused = reply.status < 500
  else op.acked = new Set((reply.body.offsets ?? []).filter((one) => one.error_code === null).map(named))
  sim.counters.count(op.acked.size > 0 ? 'offsetsCommitted' : 'commitRefused')
  return op
}

const named = (one: { readonly topic_name: string; readonly partition_id: number }): string =>
  placeName({ topicName: one.topic_name, partition: one.partition_id })

/** `member` undefined: as nobody. */
export async function fetchOffsets(
  { sim, history }: GroupRun,
  network: Network,
  groupId: string,
  member: Committer | undefined,
  places: readonly Place[],
): Promise<FetchOffsetsOp> {
  const op: FetchOffsetsOp = {
    ...{
      kind: 'fetchOffsets',
      groupId,
      member: member?.name,
      memberEpoch: member?.memberEpoch ?? -1,
      places,
    },
    ...begin(sim),
    answer: undefined,
  }
  history.ops.push(op)
  const { reply } = await exchange(sim, network, op, {
    method: 'POST',
    path: `${groupPath(groupId)}/offsets:fetch`,
    body: { ...(member && body(member)), partitions: places.map(placeBody) },
  })
  if (reply?.status !== 200) return op
  op.answer = new Map((reply.body.offsets ?? []).map((one) => [named(one), one.offset]))
  if (member) sim.counters.count('takeOver')
  return op
}

export async function resetOffsets({ sim, history }: GroupRun, groupId: string, to: object): Promise<void> {
  const op: ResetOp = { kind: 'reset', groupId, ...begin(sim), answer: undefined, isRefused: false }
  history.ops.push(op)
  const request = {
    method: 'POST',
    path: `${groupPath(groupId)}/offsets:reset`,
    body: { to, dry_run: false },
  } as const
  const { reply } = await exchange(sim, calm, op, request)
  if (reply?.status === 200) {
    sim.counters.count('offsetsReset')
    op.answer = new Map((reply.body.offsets ?? []).map((one) => [named(one), one.after]))
  }
  op.isRefused = isRefused(reply)
}

export async function deleteOffsets({ sim, history }: GroupRun, groupId: string, places: readonly Place[]) {
  const op: RemoveOp = {
    ...{ kind: 'remove', groupId, places: new Set(places.map(placeName)), isRefused: false },
    ...begin(sim),
  }
  history.ops.push(op)
  const { reply } = await exchange(sim, calm, op, {
    method: 'POST',
    path: `${groupPath(groupId)}/offsets:delete`,
    body: { partitions: places.map(placeBody) },
  })
  op.isRefused = isRefused(reply)
}

export async function deleteGroup({ sim, history }: GroupRun, groupId: string): Promise<void> {
  const op: RemoveOp = { kind: 'remove', groupId, places: undefined, isRefused: false, ...begin(sim) }
  history.ops.push(op)
  const { reply } = await exchange(sim, calm, op, { method: 'DELETE', path: groupPath(groupId) })
  if (reply?.status === 204) sim.counters.count('groupDeleted')
  op.isRefused = isRefused(reply)
}

/** Certainly without effect. */
const isRefused = (reply: Reply<Body> | undefined): boolean =>
  reply !== undefined && reply.status >= 400 && reply.status < 500
