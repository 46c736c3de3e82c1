import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noGroup } from '../../../shared/groups/decide.ts'
import { createTopicsForDecision, type WantedTopics } from '../../../shared/groups/groupTopics.ts'
import { decideOne, factsOf, heartbeat, joinRequest } from '../../support/groupTools.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const topics = (counts: Record<string, number>) => factsOf(counts, 0).topics ?? assert.fail()
const { group } = decideOne(noGroup, joinRequest('m'), factsOf({ t: 4 }, 0))
const beat = heartbeat('m', 1)

function createLookup(remembered: Record<string, number>, real: Record<string, number>) {
  const clock = createVirtualClock()
  const asked: { readonly wanted: WantedTopics; readonly fresh: boolean }[] = []
  const topicsFor = createTopicsForDecision({
    clock,
    findTopics: async (wanted, fresh) => {
      asked.push({ wanted, fresh })
      return topics(fresh ? real : remembered)
    },
  })
  return { clock, asked, topicsFor }
}

test('what is remembered of topics is looked up anew before a group changes for it', async () => {
  for (const remembered of [{}, { t: 5 }, { t: 4, u: 1 }]) {
    const { asked, topicsFor } = createLookup(remembered, { t: 4 })
    const facts = await topicsFor(group, [beat])
    assert.equal(facts?.get('t')?.partitionCount, 4)
    const isNews = !('u' in remembered)
    assert.deepEqual(
      asked.map(({ fresh }) => fresh),
      isNews ? [false, true] : [false],
    )
  }
})

test('topics are looked up every five seconds, and for whoever says what it subscribes to', async () => {
  const { clock, asked, topicsFor } = createLookup({ t: 4 }, { t: 4 })
  assert.ok(await topicsFor(group, [beat]))
  clock.advance(4_999)
  assert.equal(await topicsFor(group, [beat]), undefined)
  assert.ok(await topicsFor(group, [joinRequest('n', { subscribedTopicNames: ['t', 'u'] })]))
  clock.advance(4_999)
  assert.equal(await topicsFor(group, [beat]), undefined)
  clock.advance(1)
  assert.ok(await topicsFor(group, [beat]))
  assert.deepEqual(
    asked.map(({ wanted }) => [...wanted.names]),
    [['t'], ['t', 'u'], ['t']],
  )
  assert.ok(await topicsFor(group, [joinRequest('n', { subscribedTopicRegex: 'x' })]))
  assert.equal(asked.at(-1)?.wanted.all, true)
})
