import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { newObjectId, newTopicId } from '../../../shared/metadata/objectId.ts'
import {
  committedBlockOf,
  createScope,
  groupIdOf,
  indexSortKey,
  indexSortKeyEnd,
} from '../../../shared/metadata/scope.ts'

test('every key and name of a scope begins with its tenant and a separator', () => {
  const scope = createScope('acme')
  const keys = [
    scope.topic('a'),
    scope.deletedTopic('id'),
    scope.producerIds(),
    scope.sequencer('id', 0),
    scope.evictedProducer('id', 0, 1, 'z'),
    scope.index('id', 0, 5),
    scope.inlineData('ab'),
  ]
  for (const { pk } of keys) assert.match(pk, /^acme\//)
  assert.match(scope.logObject('00'.repeat(16)), /^acme\/log\/0{7}\/0{25}$/)
  assert.equal(new Set(keys.map(({ pk, sk }) => `${pk} ${sk}`)).size, keys.length)
})

test('a tenant id that could reach out of its scope is refused', () => {
  for (const id of ['', 'a/b', '..', 'a b', 'é', 'a'.repeat(65), 'a\n']) {
    assert.throws(() => createScope(id), /tenant id/, JSON.stringify(id))
  }
})

test('group ids and instance names of any characters make keys that neither meet nor reach out', () => {
  const scope = createScope('acme')
  const names = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((name) => name.isWellFormed())
  fc.assert(
    fc.property(names, names, (a, b) => {
      const [ofA, ofB] = [scope.consumerGroup(a), scope.consumerGroup(b)]
      assert.equal(ofA.state.pk === ofB.state.pk, a === b)
      assert.equal(ofA.instance(a).sk === ofA.instance(b).sk, a === b)
      assert.match(`${ofA.state.pk} ${ofA.instance(b).sk}`, /^acme\/group\/[\w-]+ instance\/[\w-]+$/)
      assert.equal(groupIdOf(ofA.listed.sk), a)
    }),
  )
  const longest = scope.consumerGroup('ü'.repeat(127))
  assert.ok(longest.listed.sk.length <= 1_024 && longest.instance('ü'.repeat(127)).sk.length <= 1_024)
})

test('a block of committed offsets is known by its key', () => {
  const { sk } = createScope('acme').consumerGroup('g').offsets('aTopicId', 24)
  assert.deepEqual(committedBlockOf(sk), { topicId: 'aTopicId', block: 24 })
})

test('sort keys of the index sort as their offsets do, and before the end', () => {
  const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER })
  fc.assert(
    fc.property(offset, offset, (a, b) => {
      assert.equal(indexSortKey(a) < indexSortKey(b), a < b)
      assert.ok(indexSortKey(a) < indexSortKeyEnd)
    }),
  )
})

test('names of objects sort by their age, and have room for chance', () => {
  const clock = (ms: number) => ({ now: () => ms, sleep: () => Promise.resolve() })
  const random = { bytes: (length: number) => new Uint8Array(length).fill(255), float: () => 0 }
  const older = newObjectId(clock(1_700_000_000_000), random)
  assert.match(older, /^[0-9a-f]{12}f{20}$/)
  assert.ok(older < newObjectId(clock(1_700_000_000_001), { ...random, bytes: (n) => new Uint8Array(n) }))
  assert.match(newTopicId(random), /^[\w-]{22}$/)
})

test('every partition that the picture shows is known beforehand, or found from one that is', async () => {
  const text = await readFile(new URL('../../../shared/metadata/scope.ts', import.meta.url), 'utf8')
  const drawn = [...text.matchAll(/^\/\/ {3}pk <tenant>\/(.+?) +sk /gm)].map(([, name = '']) => name)
  const found = ['<topic id>/<group>', '<topic id>/p<p>', 'inline/<7 hex>/<x>', 'group/<group>']
  const fixed = [...new Set(drawn)].filter((name) => !found.includes(name)).map((name) => `acme/${name}`)
  assert.deepEqual([...createScope('acme').fixedPks].sort(), fixed.sort())
})

test('the key of an instance follows from where it is listed', () => {
  const scope = createScope('acme')
  const group = scope.consumerGroup('a/b')
  const instance = group.instance('c/../d')
  assert.deepEqual(scope.instanceOf(group.listedInstance(instance)), instance)
})
