// A member of a group as KIP-848's consumer is one: it says what it owns, gives up what it is not to own any more
// before it says so, fetches the committed offsets of what it came to own, reads from there and commits how far it got.

import { fetchOnce, listOffset } from '../actors/reader.ts'
import { type Committer, calm, commit, fetchOffsets, post } from './calls.ts'
import { type Holding, noteDelivered, type Place, placeName } from './history.ts'
import type { Body, Reply } from './network.ts'
import type { Client, GroupRun } from './run.ts'

export interface MemberSettings {
  readonly groupId: string
  readonly name: string
  readonly instanceId?: string
  readonly topics?: readonly string[]
  readonly regex?: string
  readonly assignor: string
}

interface Owned extends Place {
  readonly holding: Holding
  /** undefined: it has yet to be found where to begin. */
  position: number | undefined
}

interface State extends Committer {
  memberId: string
  memberEpoch: number
  /** Of the last answer. */
  token: string | undefined
  readonly owned: Map<string, Owned>
  /** What it owns is not as it said in the last heartbeat that was answered. */
  hasNews: boolean
  isLiving: boolean
}

export interface Member extends Client {
  /** A zombie's, from far behind, on purpose back, or as it goes. */
  commitSome(back: boolean): Promise<void>
  /** Without a word, or as a static member does that comes back. */
  crash(): void
  leaveForAWhile(): Promise<void>
}

export function createMember(run: GroupRun, settings: MemberSettings): Member {
  const { sim } = run
  const state: State = {
    ...{
      groupId: settings.groupId,
      name: settings.name,
      memberId: newMemberId(run),
      memberEpoch: 0,
      token: undefined,
    },
    ...{ owned: new Map(), hasNews: true, isLiving: true },
  }
  const network = () => (sim.isEnding() ? calm : run.network)
  const leaveWith = async (memberEpoch: number) => {
    dropAll(run, state)
    state.isLiving = false
    if (state.memberEpoch === 0) return
    const instance = settings.instanceId === undefined ? {} : { instance_id: settings.instanceId }
    const body = { member_id: state.memberId, member_epoch: memberEpoch, ...instance }
    await post(sim, network(), settings.groupId, ':heartbeat', body)
  }
  return {
    ...{ groupId: settings.groupId, name: settings.name, isLiving: () => state.isLiving },
    async beat() {
      await heartbeat(run, settings, state)
      await takeOver(run, state)
    },
    read: () => read(run, state),
    commit: async () => {
      const offsets = positions(state)
      if (offsets.length === 0) return true
      return (await commit(run, network(), state, offsets)).acked.size === offsets.length
    },
    async commitSome(back) {
      const some = positions(state).filter(() => sim.world.random.chance(0.7))
      const moved = some.map((one) => (back ? { ...one, offset: Math.floor(one.offset / 2) } : one))
      if (moved.length > 0) await commit(run, network(), state, moved)
    },
    owned: async () => [...state.owned.keys()],
    leave: () => leaveWith(-1),
    leaveForAWhile: () => leaveWith(-2),
    crash() {
      dropAll(run, state)
      state.isLiving = false
    },
  }
}

const newMemberId = ({ sim }: GroupRun): string => Buffer.from(sim.world.random.bytes(6)).toString('hex')

function dropAll({ sim }: GroupRun, { owned }: State): void {
  for (const { holding } of owned.values()) holding.to = sim.world.order()
  owned.clear()
}

const positions = ({ owned }: State) =>
  [...owned.values()].flatMap(({ topicName, partition, position }) =>
    position === undefined ? [] : [{ topicName, partition, offset: position }],
  )

async function heartbeat(run: GroupRun, settings: MemberSettings, state: State): Promise<void> {
  const { sim } = run
  const { random } = sim.world
  const sentMs = sim.world.now()
  const isJoin = state.memberEpoch === 0
  const says = isJoin || state.hasNews || random.chance(0.5)
  const subscribes = isJoin || random.chance(0.1)
  const network = sim.isEnding() ? calm : run.network
  const { reply } = await post(sim, network, settings.groupId, ':heartbeat', {
    ...{ member_id: state.memberId, member_epoch: state.memberEpoch, client_id: settings.name },
    ...(settings.instanceId === undefined ? {} : { instance_id: settings.instanceId }),
    ...(isJoin ? { rebalance_timeout_ms: run.times.rebalanceMs, server_assignor: settings.assignor } : {}),
    ...(subscribes
      ? { subscribed_topic_names: settings.topics, subscribed_topic_regex: settings.regex }
      : {}),
    ...(says ? { topic_partitions: topicPartitions(state) } : {}),
    ...(isJoin ? {} : { assignment_token: state.token }),
  })
  if (!reply) {
    state.hasNews = true
    return
  }
  sim.counters.count('heartbeat')
  if (reply.status === 200) await take(run, state, reply.body, sentMs)
  else refuse(run, settings, state, reply)
}

const topicPartitions = ({ owned }: State) =>
  [...Map.groupBy(owned.values(), ({ topicName }) => topicName)].map(([topic_name, some]) => ({
    topic_name,
    partitions: some.map(({ partition }) => partition),
  }))

async function take(run: GroupRun, state: State, body: Body, sentMs: number): Promise<void> {
  const { sim, times } = run
  if (state.memberEpoch !== body.member_epoch) sim.counters.count('memberAdvanced')
  state.memberEpoch = body.member_epoch ?? 0
  state.memberId = body.member_id ?? state.memberId
  state.token = body.assignment_token ?? undefined
  state.hasNews = false
  if (!body.assignment) {
    for (const { holding } of state.owned.values()) holding.heardMs = sentMs
    return
  }
  const assigned = new Map<string, Place>()
  for (const { topic_name: topicName, partitions } of body.assignment.topic_partitions)
    for (const partition of partitions)
      assigned.set(placeName({ topicName, partition }), { topicName, partition })
  const lost = [...state.owned].filter(([name]) => !assigned.has(name))
  const last = positions(state).filter((one) => lost.some(([name]) => name === placeName(one)))
  for (const [name, { holding }] of lost) {
    holding.to = sim.world.order()
    state.owned.delete(name)
    sim.counters.count('partitionRevoked')
  }
  const { random } = sim.world
  for (const [name, place] of assigned) {
    if (state.owned.has(name)) continue
    const sureMs = (2 * times.sessionMs) / 3 - times.skewMs
    const holding: Holding = {
      ...place,
      ...{ groupId: state.groupId, member: state.name, memberId: state.memberId },
      ...{ from: sim.world.order(), fromMs: sim.world.now() },
      ...{ to: Number.POSITIVE_INFINITY, heardMs: sentMs, sureMs },
    }
    run.history.holdings.push(holding)
    state.owned.set(name, { ...place, holding, position: undefined })
    sim.counters.count('partitionAssigned')
  }
  for (const { holding } of state.owned.values()) holding.heardMs = sentMs
  state.hasNews = true
  // Before the heartbeat that says that it has given them up.
  if (last.length > 0 && random.chance(0.7))
    await commit(run, sim.isEnding() ? calm : run.network, state, last)
}

const fenced = [40406, 40907]
const waitsFor = [40908]
const replaced = [40905]

function refuse(run: GroupRun, settings: MemberSettings, state: State, { status, body }: Reply<Body>): void {
  const { sim } = run
  const code = body.error_code ?? 0
  if (status >= 500 || waitsFor.includes(code)) return
  sim.counters.count('memberFenced')
  if (fenced.includes(code) || replaced.includes(code)) {
    dropAll(run, state)
    state.memberEpoch = 0
    state.hasNews = true
    if (sim.world.random.chance(0.3)) state.memberId = newMemberId(run)
    state.isLiving = !replaced.includes(code)
    return
  }
  sim.report(`a heartbeat of ${settings.name} was refused: ${status} ${JSON.stringify(body)}`)
}

/** From there on an owner before it commits nothing any more. */
async function takeOver(run: GroupRun, state: State): Promise<void> {
  const { sim } = run
  const wanted = [...state.owned.values()].filter(({ position }) => position === undefined)
  if (wanted.length === 0) return
  const { answer } = await fetchOffsets(
    run,
    sim.isEnding() ? calm : run.network,
    state.groupId,
    state,
    wanted,
  )
  if (!answer) return
  for (const one of wanted) one.position = answer.get(placeName(one)) ?? (await startOf(run, one))
}

async function startOf({ sim }: GroupRun, { topicName, partition }: Place): Promise<number | undefined> {
  return (await listOffset(sim, sim.fleet.any(), { topicName, partition, spec: 'earliest' })).offset
}

async function read(run: GroupRun, state: State): Promise<boolean> {
  const { sim, history } = run
  let hasRead = false
  const placed = [...state.owned.values()].filter(({ position }) => position !== undefined)
  for (const [topicName, some] of Map.groupBy(placed, (one) => one.topicName)) {
    const spec = {
      positions: new Map(some.map(({ partition, position = 0 }) => [partition, position])),
      maxBytes: sim.isEnding() ? 1_000_000 : sim.world.random.pick([300, 1_000_000]),
      ...{ minBytes: 0, maxWaitMs: 0 },
    }
    const { answers } = await fetchOnce(sim, sim.fleet.any(), topicName, spec)
    for (const answer of answers) {
      const one = some.find(({ partition }) => partition === answer.partition)
      const position = one?.position
      if (!one || position === undefined) continue
      if (answer.kind === 'outOfRange') {
        hasRead ||= position !== answer.logStartOffset
        one.position = answer.logStartOffset
        continue
      }
      for (const { offset } of answer.records)
        if (offset >= position) noteDelivered(history, state.groupId, one, offset)
      one.position = Math.max(position, answer.endOffset ?? position)
      hasRead ||= one.position > position
    }
  }
  return hasRead
}
