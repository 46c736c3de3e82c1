import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignRange } from '../../../../shared/groups/assignors/range.ts'
import { assigned, member, topicsOf } from './tools.ts'

const range = (topics: Record<string, number>, ...members: readonly ReturnType<typeof member>[]) =>
  assigned(assignRange, { members, topics: topicsOf(topics) })

test("each topic is cut into ranges, the first member's longer by one (Kafka's example)", () => {
  assert.deepEqual(range({ t0: 3, t1: 3 }, member('C0', ['t0', 't1']), member('C1', ['t0', 't1'])), {
    C0: 't0p0 t0p1 t1p0 t1p1',
    C1: 't0p2 t1p2',
  })
})

test('topics of as many partitions give the same numbers to the same member', () => {
  const members = ['a', 'b', 'c'].map((id) => member(id, ['t0', 't1', 't2']))
  assert.deepEqual(range({ t0: 4, t1: 4, t2: 4 }, ...members), {
    a: 't0p0 t0p1 t1p0 t1p1 t2p0 t2p1',
    b: 't0p2 t1p2 t2p2',
    c: 't0p3 t1p3 t2p3',
  })
})

test('a topic is shared by its subscribers alone', () => {
  const members = [member('C0', ['t0']), member('C1', ['t0', 't1']), member('C2', ['t0', 't1', 't2'])]
  assert.deepEqual(range({ t0: 1, t1: 2, t2: 3 }, ...members), {
    C0: 't0p0',
    C1: 't1p0',
    C2: 't1p1 t2p0 t2p1 t2p2',
  })
})

test('more members than partitions leave the last members without one', () => {
  const members = ['a', 'b', 'c'].map((id) => member(id, ['t0']))
  assert.deepEqual(range({ t0: 2 }, ...members), { a: 't0p0', b: 't0p1', c: '' })
})

test('a rolling restart of static members moves nothing, whatever their member ids become', () => {
  const instances = ['i0', 'i1', 'i2']
  const byInstance = (memberIds: readonly string[]) => {
    const members = instances.map((id, at) => member(memberIds[at] ?? '', ['t0'], new Map(), id))
    const assignment = range({ t0: 5 }, ...members)
    return memberIds.map((memberId) => assignment[memberId])
  }
  const before = ['t0p0 t0p1', 't0p2 t0p3', 't0p4']
  assert.deepEqual(byInstance(['a', 'b', 'c']), before)
  assert.deepEqual(byInstance(['z', 'b', 'a']), before)
})

test('static members stand before the others', () => {
  const members = [member('a', ['t0']), member('z', ['t0'], new Map(), 'instance')]
  assert.deepEqual(range({ t0: 3 }, ...members), { a: 't0p2', z: 't0p0 t0p1' })
})

test('a topic that does not exist is no reason to fail', () => {
  assert.deepEqual(range({ t0: 1 }, member('a', ['gone', 't0'])), { a: 't0p0' })
})
