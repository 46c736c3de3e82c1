// When members were last heard of, as several processes write it down: what is known only grows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noGroup } from '../../../shared/groups/decide.ts'
import { createLiveness, type Liveness } from '../../../shared/groups/liveness.ts'
import type { StoredMember } from '../../../shared/metadata/groupState.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table, Write, WriteOutcome } from '../../../shared/ports/table.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { countCalls } from '../../support/counting.ts'
import { decideOne, factsOf, groupSettings, joinRequest } from '../../support/groupTools.ts'
import { virtualPorts } from '../../support/logTools.ts'

const third = groupSettings.sessionTimeoutMs / 3

function startGroup() {
  const ports = virtualPorts()
  const facts = factsOf({ t: 1 }, ports.clock.now())
  const { group } = decideOne(decideOne(noGroup, joinRequest('a'), facts).group, joinRequest('b'), facts)
  const [a, b] = group.members.values()
  assert.ok(a && b)
  const start = (table: Table = ports.table) => {
    const counted = countCalls({ ...ports, table })
    const deps = {
      table: counted.table,
      clock: ports.clock,
      random: systemRandom,
      scope: createScope('test'),
    }
    return { ...createLiveness(deps, 'g'), during: counted.during }
  }
  return { ...ports, a, b, start }
}

/** What a process that has heard nothing itself finds. */
async function seenBy(liveness: Liveness, ...members: readonly StoredMember[]) {
  await liveness.read()
  return members.map(({ slot }) => liveness.lastSeen(slot))
}

test('a process that heard of a member long ago does not undo what another one noted since', async () => {
  const { clock, a, b, start } = startGroup()
  const [first, second] = [start(), start()]
  clock.advance(third)
  await first.note([a])
  // This it only remembers.
  clock.advance(1)
  await first.note([a])
  clock.advance(third)
  const late = clock.now()
  await second.note([a])
  await first.note([b])
  assert.deepEqual(await seenBy(start(), a, b), [late, late])
})

test('a note that lands late takes nothing back', async () => {
  const { table, clock, a, start } = startGroup()
  const held: Write[] = []
  const holding: Table = {
    ...table,
    write: async (write): Promise<WriteOutcome> => {
      held.push(write)
      return { ok: true, updated: {} }
    },
  }
  clock.advance(third)
  await start().note([a])
  clock.advance(third)
  const slow = start(holding)
  await slow.read()
  await slow.note([a])
  clock.advance(third)
  const latest = clock.now()
  const quick = start()
  await quick.read()
  await quick.note([a])
  assert.equal(held.length, 1)
  for (const write of held) await table.write(write)
  assert.deepEqual(await seenBy(start(), a), [latest])
})

test('a process alone notes many members in one write, and two where it knows nothing of them', async () => {
  const { clock, a, start } = startGroup()
  const members = Array.from({ length: 128 }, (_, slot): StoredMember => ({ ...a, slot }))
  const process = start()
  clock.advance(third)
  assert.equal((await process.during(() => process.note(members))).tableWrites, 2)
  clock.advance(third)
  assert.equal((await process.during(() => process.note(members))).tableWrites, 1)
  clock.advance(third - 1)
  assert.equal((await process.during(() => process.note(members))).tableWrites, 0)
})
