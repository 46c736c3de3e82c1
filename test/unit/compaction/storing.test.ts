import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStoring } from '../../../shared/compaction/storing.ts'

test('one is stored at a time, in their order, while the next one is built', async () => {
  const storing = createStoring()
  const events: string[] = []
  const first = Promise.withResolvers<boolean>()
  assert.ok(await storing.begin(() => first.promise))
  const second = storing.begin(async () => {
    events.push('second begins')
    return true
  })
  events.push('second is built')
  first.resolve(true)
  assert.ok(await second)
  assert.ok(await storing.done())
  assert.deepEqual(events, ['second is built', 'second begins'])
})

test('after one that was not stored none is begun', async () => {
  const storing = createStoring()
  await storing.begin(async () => false)
  assert.equal(await storing.begin(() => assert.fail('begun')), false)
  assert.equal(await storing.done(), false)
})

test('what went wrong is told to whoever asks next, and to nobody before', async () => {
  const storing = createStoring()
  await storing.begin(() => Promise.reject(new Error('the disk is full')))
  await new Promise((resolve) => setImmediate(resolve))
  await assert.rejects(
    storing.begin(() => assert.fail('begun')),
    /disk is full/,
  )
  await assert.rejects(storing.done(), /disk is full/)
})
