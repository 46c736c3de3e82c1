import assert from 'node:assert/strict'
import { test } from 'node:test'
import { S3Client } from '@aws-sdk/client-s3'
import type { ObjectStore } from '../../../../shared/ports/objectStore.ts'
import { createS3ObjectStore } from '../../../../shared/storage/aws/objectStore.ts'
import { type S3Server, startS3Server } from '../../../contract/s3Server.ts'

const withStore = async (run: (store: ObjectStore, server: S3Server) => Promise<void>): Promise<void> => {
  const server = await startS3Server('log')
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    forcePathStyle: true,
    maxAttempts: 1,
  })
  try {
    await run(createS3ObjectStore({ client, bucket: 'log' }), server)
  } finally {
    client.destroy()
    await server.close()
  }
}

const mine = [Buffer.from('mine')]

test('a put whose answer was lost is unknown, and is found stored when it is put again', async () => {
  await withStore(async (store, server) => {
    server.refuseNext({ method: 'PUT', status: 500, code: 'InternalError', lostAnswer: true })
    await assert.rejects(store.putIfAbsent('a', mine), { name: 'StorageError', effect: 'unknown' })
    assert.equal(await store.putIfAbsent('a', mine), 'stored')
    assert.deepEqual(server.requests, ['PUT /log/a', 'PUT /log/a', 'GET /log/a'])
    assert.equal(await store.putIfAbsent('a', [Buffer.from('other')]), 'exists')
  })
})

test('a taken name whose object cannot be read is unknown', async () => {
  await withStore(async (store, server) => {
    await store.putIfAbsent('a', mine)
    server.refuseNext({ method: 'GET', status: 503, code: 'SlowDown' })
    await assert.rejects(store.putIfAbsent('a', mine), { name: 'StorageError', effect: 'unknown' })
  })
})

test('a put that meets another of its name is sent again, a few times', async () => {
  await withStore(async (store, server) => {
    const conflict = { method: 'PUT', status: 409, code: 'ConditionalRequestConflict' }
    for (let times = 0; times < 3; times += 1) server.refuseNext(conflict)
    assert.equal(await store.putIfAbsent('a', mine), 'stored')
    assert.equal(server.requests.length, 4)
    for (let times = 0; times < 4; times += 1) server.refuseNext(conflict)
    await assert.rejects(store.putIfAbsent('b', mine), { name: 'StorageError', effect: 'none' })
  })
})

test('a throttled put had no effect', async () => {
  await withStore(async (store, server) => {
    server.refuseNext({ method: 'PUT', status: 503, code: 'SlowDown' })
    await assert.rejects(store.putIfAbsent('a', mine), {
      name: 'StorageError',
      effect: 'none',
      throttled: true,
    })
    assert.equal(await store.getRange('a', 0, 1), undefined)
  })
})

test('a refused delete had no effect, and one that is answered with a 5xx may have had', async () => {
  await withStore(async (store, server) => {
    server.refuseNext({ method: 'POST', status: 403, code: 'AccessDenied' })
    await assert.rejects(store.delete(['a']), { name: 'StorageError', effect: 'none' })
    server.refuseNext({ method: 'POST', status: 500, code: 'InternalError' })
    await assert.rejects(store.delete(['a']), { name: 'StorageError', effect: 'unknown' })
  })
})

test('a read that fails had no effect', async () => {
  await withStore(async (store, server) => {
    server.refuseNext({ method: 'GET', status: 500, code: 'InternalError' })
    await assert.rejects(store.getRange('a', 0, 1), { name: 'StorageError', effect: 'none' })
    server.refuseNext({ method: 'GET', status: 500, code: 'InternalError' })
    await assert.rejects(store.list('', { limit: 1 }), { name: 'StorageError', effect: 'none' })
  })
})
