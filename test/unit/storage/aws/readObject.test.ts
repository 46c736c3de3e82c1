import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { S3Server } from '../../../contract/s3Server.ts'
import { withStore } from './s3Store.ts'

const none = { name: 'StorageError', effect: 'none' }
const text = Buffer.from('0123456789')

/** Resolves when the server has begun to answer, or will not answer, that many requests. */
const requestsMade = async (server: S3Server, count: number): Promise<void> => {
  while (server.requests.length < count) await new Promise(setImmediate)
}

test('a body that ends early is a failure of the read, never a shorter range', async () => {
  await withStore(async ({ store, server }) => {
    await store.putIfAbsent('a', [text])
    for (const kind of ['truncated', 'shortened', 'cut'] as const) {
      server.failNext('GetObject', { kind })
      await assert.rejects(store.getRange('a', 0, 10), none, kind)
    }
    assert.equal(Buffer.compare((await store.getRange('a', 2, 100)) ?? new Uint8Array(), text.subarray(2)), 0)
  })
})

test('a read that is answered with an error had no effect', async () => {
  await withStore(async ({ store, server }) => {
    for (const [status, code] of [
      [500, 'InternalError'],
      [403, 'AccessDenied'],
    ] as const) {
      server.failNext('GetObject', { kind: 'refused', status, code })
      await assert.rejects(store.getRange('a', 0, 1), none)
      server.failNext('ListObjectsV2', { kind: 'refused', status, code })
      await assert.rejects(store.list('', { limit: 1 }), none)
    }
  })
})

test('a read that stalls is asked for once more, and the one that stalled is closed', async () => {
  await withStore(async ({ store, server, clock, calls }) => {
    await store.putIfAbsent('a', [text])
    for (const kind of ['stalled', 'silent'] as const) {
      server.failNext('GetObject', { kind })
      const before = server.requests.length
      const read = store.getRange('a', 3, 4)
      await requestsMade(server, before + 1)
      clock.beLate()
      assert.equal(Buffer.from((await read) ?? []).toString(), '3456')
      assert.equal(server.requests.length, before + 2)
    }
    while (server.abandoned() < 2) await new Promise(setImmediate)
    const outcomes = calls.filter(({ operation }) => operation === 'GetObject').map(({ outcome }) => outcome)
    assert.deepEqual(outcomes.toSorted(), ['abandoned', 'abandoned', 'done', 'done'])
  })
})

test('a late read fails when both of its requests have', async () => {
  await withStore(async ({ store, server, clock }) => {
    server.failNext('GetObject', { kind: 'silent' })
    server.failNext('GetObject', { kind: 'refused', status: 500, code: 'InternalError' })
    const read = store.getRange('a', 0, 1)
    await requestsMade(server, 1)
    clock.beLate()
    await requestsMade(server, 2)
    await server.close()
    await assert.rejects(read, none)
  })
})
