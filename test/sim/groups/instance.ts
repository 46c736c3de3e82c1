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

export function createInstanceClient(run: GroupRun, settings: InstanceSettings): Client {
  const { sim, history } = run
  const { groupId, topics } = settings
  let number = 0
  let isThere = false
  let isLiving = true
  const processed = new Map<string, Place & { readonly offset: number }>()
  const instanceName = () => `${settings.name}-${number}`
  const path = (rest: string) => `/consumers/${groupId}/instances/${instanceName()}${rest}`
  const call = async (method: 'GET' | 'POST' | 'DELETE', rest: string, body?: object) =>
    (await exchange(sim, calm, begin(sim), { method, path: path(rest), type: json, ...(body && { body }) }))
      .reply

  const abandon = () => {
    isThere = false
    processed.clear()
  }
  const create = async () => {
    number++
    const body = {
      ...{ name: instanceName(), format: 'binary' },
      ...{ 'auto.offset.reset': 'earliest', 'auto.commit.enable': 'false' },
    }
    const made = await exchange(sim, calm, begin(sim), {
      method: 'POST',
      path: `/consumers/${groupId}`,
      type: json,
      body,
    })
    if (made.reply?.status !== 200) return
    const subscribed = await call('POST', '/subscription', { topics })
    isThere = subscribed?.status === 204
    if (isThere) sim.counters.count('instanceCreated')
  }

  const owned = async () => {
    const reply = isThere ? await call('GET', '/assignments') : undefined
    return (reply?.body.partitions ?? []).map(({ topic, partition }) =>
      placeName({ topicName: topic, partition }),
    )
  }

  const read = async (): Promise<boolean> => {
    if (!isThere) return false
    const accept = 'application/vnd.kafka.binary.v2+json'
    const request = { method: 'GET', path: path('/records?timeout=0'), accept } as const
    const { reply } = await exchange<readonly ConsumedRecord[]>(sim, calm, begin(sim), request)
    if (reply?.status !== 200) abandon()
    if (reply?.status !== 200 || !Array.isArray(reply.body)) return false
    for (const { topic: topicName, partition, offset } of reply.body) {
      noteDelivered(history, groupId, { topicName, partition }, offset)
      processed.set(placeName({ topicName, partition }), { topicName, partition, offset: offset + 1 })
      sim.counters.count('instanceRecord')
    }
    return reply.body.length > 0
  }

  return {
    ...{ groupId, name: settings.name },
    async beat() {
      if (!isThere) await create()
      // A poll is its heartbeat.
      await read()
    },
    read,
    async commit() {
      // Of what it processed some may be another's by now.
      const own = new Set(await owned())
      const offsets = [...processed].flatMap(([name, one]) => (own.has(name) ? [one] : []))
      processed.clear()
      if (offsets.length === 0) return true
      const op: CommitOp = {
        ...{ kind: 'commit', groupId, member: instanceName(), memberEpoch: undefined, ...begin(sim) },
        ...{ offsets: new Map(offsets.map((one) => [placeName(one), one.offset])) },
        ...{ acked: new Set(), isRefused: false, isLate: false },
      }
      history.ops.push(op)
      const partitions = offsets.map(({ topicName, ...rest }) => ({ topic: topicName, ...rest }))
      const request = { method: 'POST', path: path('/offsets'), type: json, body: { partitions } } as const
      const { reply } = await exchange(sim, calm, op, request)
      const isDone = reply !== undefined && reply.status < 300
      if (isDone) op.acked = new Set(op.offsets.keys())
      return isDone
    },
    owned,
    async leave() {
      isLiving = false
      if (isThere) await call('DELETE', '')
      abandon()
    },
    isLiving: () => isLiving,
  }
}
