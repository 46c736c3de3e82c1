// Heartbeats and commits a second over HTTP, as `npm start` answers them: the members of one group at once, each on a
// connection of its own.

import { type Figures, figuresOf } from './figures.ts'
import { runLoad } from './load.ts'
import { createTopic, groupPath, postJson, postRequest } from './requests.ts'

export interface GroupRates {
  readonly heartbeats: Figures
  /** Of one partition, by each member. */
  readonly commits: Figures
}

interface Member {
  readonly memberId: string
  epoch: number
  owned: readonly { readonly topic_name: string; readonly partitions: readonly number[] }[]
}

interface HeartbeatAnswer {
  readonly member_epoch: number
  readonly assignment: { readonly topic_partitions: Member['owned'] } | null
}

const topic = 'bench'
const warmUpSeconds = 1

export async function measureGroupRates(
  port: number,
  memberCount: number,
  seconds: number,
): Promise<GroupRates> {
  await createTopic(port, topic, memberCount)
  const members = Array.from({ length: memberCount }, (_, i): Member => {
    return { memberId: `member-${i}`, epoch: 0, owned: [] }
  })
  await settle(port, members)
  const load = async (requestOf: (member: Member) => Uint8Array): Promise<Figures> => {
    const connections = members.map((member) => [requestOf(member)])
    const plan = { port, connections, requestsMax: Number.POSITIVE_INFINITY }
    await runLoad({ ...plan, seconds: warmUpSeconds })
    return figuresOf([await runLoad({ ...plan, seconds })], 0)
  }
  return { heartbeats: await load(heartbeatRequest), commits: await load(commitRequest) }
}

/** Until everybody has one partition. */
async function settle(port: number, members: readonly Member[]): Promise<void> {
  for (let round = 0; round < 100; round++) {
    await Promise.all(members.map((member) => beat(port, member)))
    const epochs = new Set(members.map(({ epoch }) => epoch))
    if (epochs.size === 1 && members.every(({ owned }) => owned.length === 1)) return
  }
  throw new Error('the group does not become stable')
}

async function beat(port: number, member: Member): Promise<void> {
  const { memberId, epoch, owned } = member
  const joins = { rebalance_timeout_ms: 60_000, subscribed_topic_names: [topic] }
  const more = epoch === 0 ? joins : { topic_partitions: owned }
  const body = { member_id: memberId, member_epoch: epoch, ...more }
  const answer: HeartbeatAnswer = await postJson(port, groupPath(topic, ':heartbeat'), body)
  member.epoch = answer.member_epoch
  member.owned = answer.assignment?.topic_partitions ?? owned
}

const heartbeatRequest = ({ memberId, epoch }: Member): Uint8Array =>
  jsonRequest(':heartbeat', { member_id: memberId, member_epoch: epoch })

function commitRequest({ memberId, epoch, owned }: Member): Uint8Array {
  const offsets = owned.flatMap(({ topic_name, partitions }) =>
    partitions.map((partition_id) => ({ topic_name, partition_id, offset: 0 })),
  )
  return jsonRequest('/offsets:commit', { member_id: memberId, member_epoch: epoch, offsets })
}

const jsonRequest = (verb: string, body: unknown): Uint8Array =>
  postRequest(groupPath(topic, verb), 'application/json', Buffer.from(JSON.stringify(body)))
