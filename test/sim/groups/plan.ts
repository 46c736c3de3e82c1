// What a run with groups is, drawn from its seed: topics that grow, appear and go, a few groups with members of all
// kinds, a network that loses requests and delivers them late and twice.

import { type AdminSettings, createAdmin, ensureTopic } from '../actors/admin.ts'
import { createCollectorActor, createCompactorActor } from '../actors/compaction.ts'
import { createPlainProducer } from '../actors/plainProducer.ts'
import { drawFaults } from '../faults.ts'
import { drawCompaction, drawSettings, type Plan } from '../plan.ts'
import type { Prng } from '../prng.ts'
import type { Actor, Sim } from '../sim.ts'
import { drawRules, keepsAll } from '../topicRules.ts'
import { createInstanceActor, createMemberActor, createOffsetsAdmin, type GroupSeat } from './actors.ts'
import type { GroupEnd } from './finale.ts'
import { type GroupHistory, newGroupHistory } from './history.ts'
import type { MemberSettings } from './member.ts'
import type { Network } from './network.ts'
import type { GroupRun, GroupTimes } from './run.ts'

export interface GroupPlan {
  readonly history: GroupHistory
  readonly end: GroupEnd
  readonly network: Network
  readonly times: GroupTimes
  readonly runOf: (sim: Sim) => GroupRun
  readonly isSteady: (topicName: string) => boolean
}

/** Of a v2 consumer instance. */
const instanceSessionMs = 300_000
const regex = 'o.*'

export function drawGroupsPlan(random: Prng): Plan & { readonly groups: GroupPlan } {
  const topics = drawTopics(random)
  const late = drawLate(random)
  const settings = drawSettings(random)
  const drawn = drawFaults(random)
  const metadataMaxAgeMs = random.pick([0, 5_000, 20_000])
  const hasInstance = random.chance(0.3)
  // An instance that is abandoned is waited for as long as five minutes.
  const intervalMs = hasInstance ? 5_000 : random.pick([1_000, 5_000])
  const sessionTimeoutMs = intervalMs * random.pick([6, 9])
  // A member lives for minutes; clocks are apart by less than what decides on its life.
  const clockSkewMsMax = Math.min(drawn.clockSkewMsMax, sessionTimeoutMs / 9)
  const faults = { ...drawn, crashMs: 10 * drawn.crashMs, clockSkewMsMax }
  const times = {
    ...{ intervalMs, sessionMs: sessionTimeoutMs, skewMs: faults.clockSkewMsMax },
    rebalanceMs: random.pick([6, 12]) * intervalMs,
  }
  const groups = drawGroups(random, topics, times, hasInstance)
  return {
    compaction: drawCompaction(random),
    processes: random.pick([1, 2, 3, 4]),
    timeoutMs: random.pick([1_000, 5_000, 20_000]),
    faults,
    settings: {
      ...settings,
      metadataMaxAgeMs,
      groups: { heartbeatIntervalMs: intervalMs, sessionTimeoutMs, membersMax: 1_000 },
    },
    topics,
    actors: [
      ...topics.flatMap((topic) => [createAdmin(topic), createProducer(random, topic)]),
      ...late.flatMap((topic) => [createLate(topic, 20 * intervalMs), createProducer(random, topic)]),
      ...(random.chance(0.3) ? [createCompactorActor({ pauseMsMax: 5_000 })] : []),
      createCollectorActor({ pauseMsMax: 30_000 }),
      ...groups.actors,
    ],
    groups: {
      ...groups,
      times,
      end: { ...groups.end, metadataMaxAgeMs },
      isSteady,
    },
  }
}

const isSteady = (topicName: string): boolean => topicName !== 'brief'

function drawTopics(random: Prng): readonly AdminSettings[] {
  const common = { pauseMsMax: 60_000, deletesTopic: false, deletesRecords: random.chance(0.3) }
  const rules = random.chance(0.3) ? drawRules(random) : keepsAll
  const orders = {
    ...common,
    topicName: 'orders',
    partitionCount: random.between(1, 4),
    partitionCountMax: 7,
    rules,
  }
  const brief = {
    ...common,
    topicName: 'brief',
    partitionCount: 2,
    partitionCountMax: 3,
    deletesTopic: true,
    rules: keepsAll,
  }
  return random.chance(0.25) ? [orders, brief] : [orders]
}

const drawLate = (random: Prng): readonly AdminSettings[] =>
  random.chance(0.5)
    ? [
        {
          ...{
            topicName: 'offers',
            partitionCount: random.between(1, 3),
            partitionCountMax: 4,
            pauseMsMax: 60_000,
          },
          ...{ deletesTopic: false, deletesRecords: false, rules: keepsAll },
        },
      ]
    : []

const createProducer = (random: Prng, { topicName, partitionCount }: AdminSettings): Actor =>
  createPlainProducer({
    ...{ topicName, partitionCount, inFlightMax: 1, encoded: false, largeBytes: 100 },
    pauseMsMax: random.pick([3_000, 20_000]),
  })

/** A topic that appears while groups run. */
const createLate = (topic: AdminSettings, withinMs: number): Actor => ({
  name: `${topic.topicName}, which appears later`,
  async run(sim) {
    await sim.world.sleep(sim.world.random.float() * withinMs)
    await ensureTopic(sim, topic)
  },
})

function drawGroups(random: Prng, topics: readonly AdminSettings[], times: GroupTimes, hasInstance: boolean) {
  const history = newGroupHistory()
  const network = {
    late: random.pick([0, 0.02, 0.05]),
    twice: random.pick([0, 0.02, 0.05]),
    lateMsMax: times.sessionMs * random.pick([0.1, 2]),
  }
  let run: GroupRun | undefined
  const runOf = (sim: Sim): GroupRun => {
    run ??= { sim, history, network, times }
    return run
  }
  const named = [...topics.map(({ topicName }) => topicName), 'offers']
  const ids = random.pick([['g'], ['g', 'a group/ä']])
  const drawn = ids.map((groupId) => drawGroup(random, runOf, groupId, named, hasInstance && groupId === 'g'))
  return {
    ...{ history, network, runOf },
    actors: drawn.flatMap(({ actors }) => actors),
    end: {
      seats: drawn.map(({ seat }) => seat),
      sessionMsMax: hasInstance ? instanceSessionMs : times.sessionMs,
      topicsOf: (all: readonly string[]) => all.filter(isSteady),
    },
  }
}

function drawGroup(
  random: Prng,
  runOf: (sim: Sim) => GroupRun,
  groupId: string,
  topicNames: readonly string[],
  hasInstance: boolean,
) {
  const seat: GroupSeat = { groupId, restUntilMs: 0, clients: new Set() }
  const count = random.between(1, 4)
  const hasRegex = random.chance(0.3)
  const assignor = random.pick(['uniform', 'range'])
  const members = Array.from({ length: count }, (_, i): MemberSettings => {
    const name = `m${i}`
    const isStatic = random.chance(0.25)
    const subscription = hasRegex && i % 2 === 0 ? { regex } : { topics: topicNames }
    return { ...{ groupId, name, assignor }, ...subscription, ...(isStatic ? { instanceId: `i${i}` } : {}) }
  })
  return {
    seat,
    actors: [
      ...members.map((settings) => createMemberActor(runOf, seat, settings)),
      ...(hasInstance ? [createInstanceActor(runOf, seat, 'v2', topicNames.filter(isSteady))] : []),
      createOffsetsAdmin(runOf, seat, topicNames.slice(0, 1)),
    ],
  }
}
