// Commits, take-overs, resets and deletions in any order, and copies of what was ever tried landing at any time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  assumeCommit,
  type BlockCommit,
  decideCommit,
  decideRemoval,
  decideTakeOver,
} from '../../../shared/groups/planOffsetCommit.ts'
import { memberFence, parseOffsets, strangerFence } from '../../../shared/metadata/offsetsItem.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Write } from '../../../shared/ports/table.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'

/** `lost`: its writes are not carried out, but may land later. */
type Step =
  | { readonly kind: 'commit'; readonly lost: boolean; readonly offset: number; readonly zombie: number }
  | { readonly kind: 'reset'; readonly lost: boolean; readonly offset: number }
  | { readonly kind: 'takeOver' | 'delete'; readonly lost: boolean }
  | { readonly kind: 'land'; readonly which: number }
  | { readonly kind: 'nextOwner' }

const offset = fc.nat(3)
const lost = fc.boolean()
const zombie = fc.nat(1)
const kind = <K extends string>(name: K) => fc.constant(name)
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: kind('commit'), lost, offset, zombie }) },
    { weight: 4, arbitrary: fc.record({ kind: kind('reset'), lost, offset }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constantFrom('takeOver' as const, 'delete' as const), lost }),
    },
    { weight: 6, arbitrary: fc.record({ kind: kind('land'), which: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('nextOwner') }) },
  ),
  { maxLength: 30 },
)

const key = createScope('test').consumerGroup('g').offsets('topic', 0)

function commitOf(fence: number, to: number, isMember: boolean): BlockCommit {
  const offsets = [{ partition: 0, offset: to, leaderEpoch: -1, metadata: '' }]
  return { topicName: 't', fence, isMember, offsets, nowMs: 1 }
}

/** One partition of a group whose owners follow each other, each an epoch later. */
function createPartition() {
  const table = createMemoryTable()
  const tried: { readonly one: Write; readonly after: number }[] = []
  let epoch = 1
  let written = 0
  let isLost = false
  const seen = async () => parseOffsets(await table.get(key))
  const carryOut = async (one: Write) => {
    const { ok } = await table.write(one)
    if (ok) written++
    return ok
  }
  const write = async ({ actions, when }: Pick<ReturnType<typeof assumeCommit>, 'actions' | 'when'>) => {
    const one: Write = { kind: 'update', key, actions, when }
    tried.push({ one, after: written })
    return !isLost && carryOut(one)
  }
  return {
    state: async () => {
      const { offsets, fences } = await seen()
      return { offset: offsets.get(0)?.offset, fence: fences.get(0) ?? 0 }
    },
    nextOwner: () => {
      epoch++
    },
    lose: (whether: boolean) => {
      isLost = whether
    },
    /** By the owner, or by one `zombie` epochs before. True: it was made. */
    async commit(to: number, zombie: number) {
      const commit = commitOf(memberFence(Math.max(1, epoch - zombie)), to, true)
      if (await write(assumeCommit(commit))) return true
      const plan = decideCommit(commit, await seen(), true)
      return plan.partitions.length > 0 && write(plan)
    },
    takeOver: async () => {
      const plan = decideTakeOver([0], await seen(), 't', memberFence(epoch))
      return plan.partitions.length > 0 && write(plan)
    },
    /** Nobody is in the group: who was is a zombie until the next owner comes. */
    async reset(to: number) {
      const commit = commitOf(strangerFence(epoch), to, false)
      return write(decideCommit(commit, await seen(), true))
    },
    async delete() {
      const plan = decideRemoval([0], await seen(), strangerFence(epoch))
      return plan.partitions.length > 0 && write(plan)
    },
    /** 'made': nothing has been written since it was tried, so that it is as good as in time. */
    async land(which: number): Promise<'made' | 'late'> {
      const { one, after } = tried[which % Math.max(1, tried.length)] ?? {}
      const isInTime = after === written
      return one && (await carryOut(one)) && isInTime ? 'made' : 'late'
    },
  }
}

type Partition = ReturnType<typeof createPartition>
type State = Awaited<ReturnType<Partition['state']>>

/** 'late': a write landed that something else had been made after. */
async function take(partition: Partition, step: Step): Promise<'made' | 'late' | 'none'> {
  if (step.kind === 'land') return partition.land(step.which)
  if (step.kind === 'nextOwner') {
    partition.nextOwner()
    return 'none'
  }
  partition.lose(step.lost)
  if (step.kind === 'commit') return (await partition.commit(step.offset, step.zombie)) ? 'made' : 'none'
  const made = await (step.kind === 'reset' ? partition.reset(step.offset) : partition[step.kind]())
  return made ? 'made' : 'none'
}

function assertLate(before: State, after: State, isSettled: boolean): void {
  assert.ok((after.offset ?? -1) >= (before.offset ?? -1), 'the offset goes back')
  if (isSettled) assert.deepEqual(after, before)
}

test('what lands late moves no offset back, and undoes no reset and no deletion', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (life) => {
      const partition = createPartition()
      // Since a reset or deletion nothing was made: what lands late changes nothing at all.
      let isSettled = false
      for (const step of life) {
        const before = await partition.state()
        const result = await take(partition, step)
        const after = await partition.state()
        assert.ok(after.fence >= before.fence, 'the fence goes down')
        if (result === 'late') assertLate(before, after, isSettled)
        if (result === 'none') assert.deepEqual(after, before)
        if (result === 'made' && 'offset' in step) assert.equal(after.offset, step.offset)
        if (result === 'made') isSettled = step.kind === 'reset' || step.kind === 'delete'
      }
    }),
    { numRuns: 3_000 },
  )
})
