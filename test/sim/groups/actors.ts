// Clients of groups under faults: they crash, freeze past their session and go on as zombies, leave, come back as
// static members do; whole groups rest for a while; and somebody resets and deletes offsets and groups, which is
// refused while they are in use.

import type { Actor, Sim } from '../sim.ts'
import { calm, deleteGroup, deleteOffsets, fetchOffsets, resetOffsets, view } from './calls.ts'
import { createInstanceClient } from './instance.ts'
import { createMember, type Member, type MemberSettings } from './member.ts'
import type { Client, GroupRun } from './run.ts'

/** What the clients of a group have in common. */
export interface GroupSeat {
  readonly groupId: string
  /** Nobody is to be in it until then. */
  restUntilMs: number
  /** Who is left when the faults are over. */
  readonly clients: Set<Client>
}

type RunOf = (sim: Sim) => GroupRun

export function createMemberActor(runOf: RunOf, seat: GroupSeat, settings: MemberSettings): Actor {
  return {
    name: `member ${settings.name}${settings.instanceId ? ' (static)' : ''} of ${seat.groupId}`,
    async run(sim) {
      const run = runOf(sim)
      for (let life = 1; !sim.isEnding(); life++) {
        const member = createMember(run, { ...settings, name: `${settings.name}#${life}` })
        await live(run, seat, member, settings.instanceId !== undefined)
        if (member.isLiving()) seat.clients.add(member)
        else if (!sim.isEnding()) await sim.world.sleep(sim.world.random.float() * run.times.sessionMs)
      }
    },
  }
}

/** Ends where the member does, or the faults do. */
async function live(run: GroupRun, seat: GroupSeat, member: Member, isStatic: boolean): Promise<void> {
  const { sim, times } = run
  const { world, counters } = sim
  const { random } = world
  while (member.isLiving() && !sim.isEnding()) {
    await world.sleep(times.intervalMs * (0.3 + random.float()))
    if (sim.isEnding()) return
    if (world.now() < seat.restUntilMs) {
      await member.leave()
      await world.sleep(seat.restUntilMs - world.now())
      return
    }
    const drawn = random.float()
    if (drawn < 0.02) {
      counters.count('memberCrashed')
      return member.crash()
    }
    if (drawn < 0.04) return isStatic && random.chance(0.7) ? member.leaveForAWhile() : member.leave()
    if (drawn < 0.07) {
      counters.count('memberFrozen')
      await world.sleep(random.float() * 2 * times.sessionMs)
      // What it had in hand when it froze.
      if (random.chance(0.7)) await member.commitSome(false)
    }
    await work(member, sim)
  }
}

async function work(member: Member, { world: { random } }: Sim): Promise<void> {
  await member.beat()
  if (random.chance(0.8)) await member.read()
  const drawn = random.float()
  if (drawn < 0.6) await member.commit()
  else if (drawn < 0.7) await member.commitSome(random.chance(0.3))
}

export function createInstanceActor(
  runOf: RunOf,
  seat: GroupSeat,
  name: string,
  topics: readonly string[],
): Actor {
  return {
    name: `v2 consumer instance ${name} of ${seat.groupId}`,
    async run(sim) {
      const run = runOf(sim)
      for (let life = 1; !sim.isEnding(); life++) {
        const settings = { groupId: seat.groupId, name: `${name}.${life}`, topics }
        const client = createInstanceClient(run, settings)
        while (client.isLiving() && !sim.isEnding()) await useInstance(run, seat, client)
        if (client.isLiving()) seat.clients.add(client)
      }
    },
  }
}

async function useInstance({ sim, times }: GroupRun, seat: GroupSeat, client: Client): Promise<void> {
  const { world } = sim
  await world.sleep(times.intervalMs * (0.3 + world.random.float()))
  if (sim.isEnding()) return
  if (world.now() < seat.restUntilMs || world.random.chance(0.03)) {
    await client.leave()
    return world.sleep(Math.max(0, seat.restUntilMs - world.now()))
  }
  await client.beat()
  if (world.random.chance(0.7)) await client.commit()
}

const resetTargets = [
  { earliest: true },
  { latest: true },
  { shift_by: -3 },
  { shift_by: 2 },
  { offset: 1 },
] as const

/** Sends a group to rest now and then, and does with its offsets what may be done only then; else it is refused. */
export function createOffsetsAdmin(runOf: RunOf, seat: GroupSeat, topicNames: readonly string[]): Actor {
  return {
    name: `offsets admin of ${seat.groupId}`,
    async run(sim) {
      const run = runOf(sim)
      const { world } = sim
      while (!sim.isEnding()) {
        await world.sleep(world.random.float() * 3 * run.times.sessionMs)
        if (!sim.isEnding() && world.random.chance(0.5)) await sendToRest(run, seat)
        if (!sim.isEnding()) await administer(run, seat.groupId, topicNames)
      }
    },
  }
}

async function sendToRest({ sim, times }: GroupRun, seat: GroupSeat): Promise<void> {
  const { world, counters } = sim
  counters.count('groupRests')
  seat.restUntilMs = world.now() + world.random.float() * 3 * times.sessionMs
  await world.sleep(world.random.float() * (seat.restUntilMs - world.now()))
}

async function administer(run: GroupRun, groupId: string, topicNames: readonly string[]): Promise<void> {
  const { random } = run.sim.world
  const places = topicNames.flatMap((topicName) => [0, 1, 2].map((partition) => ({ topicName, partition })))
  const act = random.float()
  if (act < 0.35) return resetOffsets(run, groupId, random.pick(resetTargets))
  if (act < 0.5) {
    const some = places.filter(() => random.chance(0.5))
    return deleteOffsets(run, groupId, some)
  }
  if (act < 0.65) return deleteGroup(run, groupId)
  if (act < 0.85) await fetchOffsets(run, calm, groupId, undefined, places)
  else await view(run, groupId, random.pick(['', '/lags', '/offsets', '/consumers']))
}
