import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignUniform } from '../../../../shared/groups/assignors/uniform.ts'
import { assigned, idOf, member, previously, topicsOf } from './tools.ts'

const uniform = (topics: Record<string, number>, ...members: readonly ReturnType<typeof member>[]) =>
  assigned(assignUniform, { members, topics: topicsOf(topics) })

const both = ['t0', 't1']

test('a new group gets runs of consecutive partitions, balanced over all topics', () => {
  assert.deepEqual(uniform({ t0: 3, t1: 3 }, member('C0', both), member('C1', both)), {
    C0: 't0p0 t0p1 t0p2',
    C1: 't1p0 t1p1 t1p2',
  })
  assert.deepEqual(uniform({ t0: 5 }, member('C0', ['t0']), member('C1', ['t0'])), {
    C0: 't0p0 t0p1 t0p2',
    C1: 't0p3 t0p4',
  })
})

test("different subscriptions are as even as they can be (Kafka's example)", () => {
  const members = [member('C0', ['t0']), member('C1', both), member('C2', ['t0', 't1', 't2'])]
  const before = { C0: 't0p0', C1: 't1p0 t1p1', C2: 't2p0 t2p1 t2p2' }
  assert.deepEqual(uniform({ t0: 1, t1: 2, t2: 3 }, ...members), before)
  const left = [
    member('C1', both, previously(before.C1)),
    member('C2', ['t0', 't1', 't2'], previously(before.C2)),
  ]
  assert.deepEqual(uniform({ t0: 1, t1: 2, t2: 3 }, ...left), { C1: 't0p0 t1p0 t1p1', C2: before.C2 })
})

test("when a member leaves, the others keep all that they have (Kafka's example)", () => {
  const all = ['t0', 't1', 't2', 't3']
  const assignment = uniform(
    { t0: 2, t1: 2, t2: 2, t3: 2 },
    member('C0', all, previously('t0p0 t1p1 t3p0')),
    member('C2', all, previously('t1p0 t2p1')),
  )
  assert.deepEqual(assignment, { C0: 't0p0 t0p1 t1p1 t3p0', C2: 't1p0 t2p0 t2p1 t3p1' })
})

test('who joins takes from the heaviest alone', () => {
  const assignment = uniform(
    { t0: 9 },
    member('heavy', ['t0'], previously('t0p0 t0p1 t0p2 t0p3 t0p4 t0p5')),
    member('light', ['t0'], previously('t0p6 t0p7 t0p8')),
    member('new', ['t0']),
  )
  assert.deepEqual(assignment, { heavy: 't0p0 t0p1 t0p2', light: 't0p6 t0p7 t0p8', new: 't0p3 t0p4 t0p5' })
})

test('a member keeps its longest runs, and what is free goes to the neighbours', () => {
  const assignment = uniform(
    { t0: 8 },
    member('a', ['t0'], previously('t0p0 t0p2 t0p3 t0p4 t0p5')),
    member('b', ['t0'], previously('t0p6')),
  )
  assert.deepEqual(assignment, { a: 't0p2 t0p3 t0p4 t0p5', b: 't0p0 t0p1 t0p6 t0p7' })
})

test('where no two members can even it out, three can', () => {
  // a gives to b, which gives to c: b holds one less than a, and c one less than b.
  const assignment = uniform(
    { x: 4, y: 2 },
    member('a', ['x'], previously('xp0 xp1 xp2')),
    member('b', ['x', 'y'], previously('xp3 yp0')),
    member('c', ['y'], previously('yp1')),
  )
  const counts = Object.values(assignment).map((text) => text.split(' ').length)
  assert.deepEqual(counts, [3, 2, 1], 'within one of each neighbour it is even enough')
  const wider = uniform(
    { x: 7, y: 2 },
    member('a', ['x'], previously('xp0 xp1 xp2 xp3')),
    member('b', ['x', 'y'], previously('xp4 xp5 xp6')),
    member('c', ['y'], previously('yp0 yp1')),
  )
  assert.deepEqual(wider, { a: 'xp0 xp1 xp2 xp3', b: 'xp4 xp5 xp6', c: 'yp0 yp1' })
})

test('who is heavier gives again when another has given before it', () => {
  // First b gives one to c; only then may a give one to b.
  const assignment = uniform(
    { x: 6, y: 3 },
    member('a', ['x'], previously('xp0 xp1 xp2 xp3')),
    member('b', ['x', 'y'], previously('xp4 xp5 yp0')),
    member('c', ['y'], previously('yp1')),
    member('d', ['y'], previously('yp2')),
  )
  assert.deepEqual(
    Object.values(assignment).map((text) => text.split(' ').length),
    [3, 3, 2, 1],
  )
})

test('what is held of topics that are gone or not subscribed to any more is forgotten', () => {
  const before = previously('t0p0 t0p7 t1p0 gonep0')
  assert.deepEqual(uniform({ t0: 2, t1: 1 }, member('a', ['t0', 'gone'], before)), { a: 't0p0 t0p1' })
})

test('a partition that two claim stays with the first of them', () => {
  const claims = previously('t0p0')
  assert.deepEqual(uniform({ t0: 1 }, member('b', ['t0'], claims), member('a', ['t0'], claims)), {
    a: 't0p0',
    b: '',
  })
})

test('a topic named twice counts once, and a member without topics gets nothing', () => {
  const twice = { ...member('a', []), topics: [idOf('t0'), idOf('t0')] }
  assert.deepEqual(uniform({ t0: 2 }, twice, member('b', [])), { a: 't0p0 t0p1', b: '' })
})
