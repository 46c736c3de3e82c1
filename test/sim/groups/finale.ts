// The end of a run with groups: the faults are over, the clients that are left go on. Every group must come to rest
// within so many heartbeats, with every partition owned once; they read to the end and commit it; they leave; and after
// the retention of offsets nothing is left of them.

import type { Table } from '../../../shared/ports/table.ts'
import { ask } from '../client.ts'
import { begin, type Sim } from '../sim.ts'
import type { GroupSeat } from './actors.ts'
import { calm, fetchOffsets, stateOf } from './calls.ts'
import { type Place, placeName } from './history.ts'
import type { Client, GroupRun } from './run.ts'

export interface GroupEnd {
  readonly seats: readonly GroupSeat[]
  /** What every client subscribes to of these. */
  readonly topicsOf: (topicNames: readonly string[]) => readonly string[]
  /** The longest session of whoever may have died. */
  readonly sessionMsMax: number
  /** How old what is remembered of topics may be. */
  readonly metadataMaxAgeMs: number
}

/** By group, the topics that it read to the end. */
export type GroupReads = ReadonlyMap<string, ReadonlySet<string>>

/** Beyond the time that it takes to notice who is gone and what topics there are. */
const heartbeatsToRest = 6
const passesMax = 400
const retentionMs = 8 * 24 * 3600_000

/** Answers which groups read what to the end. */
export async function groupFinale(run: GroupRun, end: GroupEnd): Promise<GroupReads> {
  const { sim } = run
  await noticeTheDead(run, end)
  const topics = await ask(sim, sim.fleet.startNew(), 'listTopics', begin(sim), () =>
    sim.fleet.any().cluster.listTopics(),
  )
  const reads = new Map<string, ReadonlySet<string>>()
  if (topics.kind !== 'ok') {
    sim.report('topics cannot be listed after the faults are over')
    return reads
  }
  for (const { groupId, clients } of end.seats) {
    const living = [...clients].filter((client) => client.isLiving())
    if (living.length === 0) continue
    const names = end.topicsOf(topics.value.map(({ name }) => name))
    const places = topics.value.flatMap(({ name, partitionCount }) =>
      names.includes(name)
        ? Array.from({ length: partitionCount }, (_, partition) => ({ topicName: name, partition }))
        : [],
    )
    await comeToRest(run, groupId, living, places)
    if (await readAll(run, groupId, living, places)) reads.set(groupId, new Set(names))
    for (const client of living) await client.leave()
  }
  await forget(run, end.seats)
  return reads
}

/** Every client of every group, one after the other, `pauseMs` for each round. */
async function rounds(
  { sim }: GroupRun,
  seats: readonly GroupSeat[],
  count: number,
  pauseMs: number,
): Promise<void> {
  for (let round = 0; round < count; round++) {
    await sim.world.sleep(pauseMs)
    await Promise.all(seats.flatMap(({ clients }) => [...clients]).map((client) => client.beat()))
  }
}

async function noticeTheDead(
  run: GroupRun,
  { seats, sessionMsMax, metadataMaxAgeMs }: GroupEnd,
): Promise<void> {
  const pauseMs = run.times.sessionMs / 3
  await rounds(
    run,
    seats,
    Math.ceil((sessionMsMax + metadataMaxAgeMs + run.times.skewMs) / pauseMs) + 1,
    pauseMs,
  )
  await rounds(run, seats, heartbeatsToRest, run.times.intervalMs)
}

async function comeToRest(
  { sim }: GroupRun,
  groupId: string,
  living: readonly Client[],
  places: readonly Place[],
): Promise<void> {
  const state = await stateOf(sim, groupId)
  if (state !== 'STABLE')
    sim.report(`${groupId} is ${state} and not stable ${heartbeatsToRest} heartbeats after the last fault`)
  const owned = (await Promise.all(living.map((client) => client.owned()))).flat()
  const count = new Map<string, number>()
  for (const place of owned) count.set(place, (count.get(place) ?? 0) + 1)
  for (const place of places.map(placeName)) {
    if (count.get(place) !== 1)
      sim.report(`${groupId} is stable and ${place} has ${count.get(place) ?? 0} owners`)
  }
}

async function readAll(
  run: GroupRun,
  groupId: string,
  living: readonly Client[],
  places: readonly Place[],
): Promise<boolean> {
  const { sim } = run
  for (let pass = 0; ; pass++) {
    const read = await Promise.all(living.map((client) => client.read()))
    if (!read.includes(true)) break
    if (pass < passesMax) continue
    sim.report(`${groupId} does not come to the end of its topics`)
    return false
  }
  const done = await Promise.all(living.map((client) => client.commit()))
  if (done.includes(false)) sim.report(`${groupId} cannot commit after the faults are over`)
  const { answer } = await fetchOffsets(run, calm, groupId, undefined, places)
  if (!answer) sim.report(`the offsets of ${groupId} cannot be read after the faults are over`)
  return true
}

/** The collector comes when all of it is past. */
async function forget({ sim }: GroupRun, seats: readonly GroupSeat[]): Promise<void> {
  const process = sim.fleet.startNew()
  // One visit removes a group, a later one forgets that there was one.
  for (let visit = 0; visit < 3; visit++) {
    await sim.world.sleep(retentionMs)
    const deadlineMs = process.clock.now() + 600_000
    const swept = await ask(sim, process, 'collect', begin(sim), () =>
      process.compactor.collect({ deadlineMs, dryRun: false }),
    )
    if (swept.kind !== 'ok') sim.report('a collection fails after the faults are over')
  }
  const groups = await ask(sim, process, 'listGroups', begin(sim), () => process.cluster.groups.listGroups())
  if (groups.kind !== 'ok') return sim.report('groups cannot be listed after the faults are over')
  for (const { groupId } of groups.value) {
    if (seats.some((seat) => seat.groupId === groupId))
      sim.report(`${groupId} is still listed after its retention`)
  }
}

export async function findLeftovers(
  sim: Sim,
  seats: readonly GroupSeat[],
  table: Pick<Table, 'query'>,
): Promise<void> {
  for (const { groupId } of seats) {
    const { pk } = sim.scope.consumerGroup(groupId).state
    const { items } = await table.query({ pk, limit: 1_000 })
    for (const { key } of items) sim.report(`${key.sk} is left of ${groupId}`)
  }
}
