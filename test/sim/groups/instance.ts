// A client of v2 consumer instances that commits what it has processed itself. Where an answer to a poll is lost it
// cannot know how far the instance went: it begins anew with another instance.

import { begin } from '../sim.ts'
import { type CommitOp, noteDelivered, type Place, placeName } from './history.ts'
import { exchange, type Network } from './network.ts'
import type { Client, GroupRun } from './run.ts'

interface ConsumedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface InstanceSettings {
  readonly groupId: string
  readonly name: string
  readonly topics: readonly string[]
}

/** An instance must not be called twice with one poll: what the second one answers nobody gets. */
const calm: Network = { late: 0, twice: 0, lateMsMax: 0 }
const json = 'application/vnd.kafka.v2+json'

interface State extends InstanceSettings {
  /** Of the instances that it has had: the last one is its own. */
  number: number
  isThere: boolean
  isLiving: boolean
  readonly processed: Map<string, Place & { readonly offset: number }>
}

export function createInstanceClient(run: GroupRun, settings: InstanceSettings): Client {
  const state: State = { ...settings, number: 0, isThere: false, isLiving: true, processed: new Map() }
  return {
    ...{ groupId: settings.groupId, name: settings.name, isLiving: () => state.isLiving },
    async beat() {
      if (!state.isThere) await create(run, state)
      // A poll is its heartbeat.
      await read(run, state)
    },
    read: () => read(run, state),
    commit: () => commit(run, state),
    owned: () => owned(run, state),
    async leave() {
      state.isLiving = false
      if (state.isThere) await call(run, state, 'DELETE', '')
      abandon(state)
    },
  }
}

const instanceName = ({ name, number }: State): string => `${name}-${number}`

const pathOf = (state: State, rest: string): string =>
  `/consumers/${state.groupId}/instances/${instanceName(state)}${rest}`

async function call(
  { sim }: GroupRun,
  state: State,
  method: 'GET' | 'POST' | 'DELETE',
  rest: string,
  body?: object,
) {
  const request = { method, path: pathOf(state, rest), type: json, ...(body && { body }) }
  return (await exchange(sim, calm, begin(sim), request)).reply
}

function abandon(state: State): void {
  state.isThere = false
  state.processed.clear()
}

async function create(run: GroupRun, state: State): Promise<void> {
  const { sim } = run
  state.number++
  const body = {
    ...{ name: instanceName(state), format: 'binary' },
    ...{ 'auto.offset.reset': 'earliest', 'auto.commit.enable': 'false' },
  }
  const request = { method: 'POST', path: `/consumers/${state.groupId}`, type: json, body } as const
  const made = await exchange(sim, calm, begin(sim), request)
  if (made.reply?.status !== 200) return
  const subscribed = await call(run, state, 'POST', '/subscription', { topics: state.topics })
  state.isThere = subscribed?.status === 204
  if (state.isThere) sim.counters.count('instanceCreated')
}

async function owned(run: GroupRun, state: State): Promise<readonly string[]> {
  const reply = state.isThere ? await call(run, state, 'GET', '/assignments') : undefined
  return (reply?.body.partitions ?? []).map(({ topic, partition }) =>
    placeName({ topicName: topic, partition }),
  )
}

async function read({ sim, history }: GroupRun, state: State): Promise<boolean> {
  if (!state.isThere) return false
  const accept = 'application/vnd.kafka.binary.v2+json'
  const request = { method: 'GET', path: pathOf(state, '/records?timeout=0'), accept } as const
  const { reply } = await exchange<readonly ConsumedRecord[]>(sim, calm, begin(sim), request)
  if (reply?.status !== 200) {
    abandon(state)
    return false
  }
  for (const { topic: topicName, partition, offset } of reply.body) {
    noteDelivered(history, state.groupId, { topicName, partition }, offset)
    state.processed.set(placeName({ topicName, partition }), { topicName, partition, offset: offset + 1 })
    sim.counters.count('instanceRecord')
  }
  return reply.body.length > 0
}

async function commit(run: GroupRun, state: State): Promise<boolean> {
  const { sim, history } = run
  // Of what it processed some may be another's by now.
  const own = new Set(await owned(run, state))
  const offsets = [...state.processed].flatMap(([name, one]) => (own.has(name) ? [one] : []))
  state.processed.clear()
  if (offsets.length === 0) return true
  const op: CommitOp = {
    ...{ kind: 'commit', groupId: state.groupId, member: instanceName(state), memberEpoch: undefined },
    ...begin(sim),
    offsets: new Map(offsets.map((one) => [placeName(one), one.offset])),
    ...{ acked: new Set(), isRefused: false, isLate: false },
  }
  history.ops.push(op)
  const partitions = offsets.map(({ topicName, ...rest }) => ({ topic: topicName, ...rest }))
  const request = {
    method: 'POST',
    path: pathOf(state, '/offsets'),
    type: json,
    body: { partitions },
  } as const
  const { reply } = await exchange(sim, calm, op, request)
  const isDone = reply !== undefined && reply.status < 300
  if (isDone) op.acked = new Set(op.offsets.keys())
  return isDone
}
