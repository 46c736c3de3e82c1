import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectStore } from '../../../../shared/ports/objectStore.ts'
import { repeat, withStore } from './s3Store.ts'

const MiB = 1024 * 1024
const bytes = new Uint8Array(33 * MiB).map((_, index) => (index * 31) % 251)
const parts = [bytes.subarray(0, 5), bytes.subarray(5, 20 * MiB), bytes.subarray(20 * MiB)]
const internalError = { kind: 'refused', status: 500, code: 'InternalError' } as const

const isStored = async (store: ObjectStore): Promise<boolean> =>
  Buffer.compare((await store.getRange('a', 0, bytes.byteLength + 1)) ?? new Uint8Array(), bytes) === 0

test('an object of more than 16 MiB is put in parts, on the condition that the name is free', async () => {
  await withStore(async ({ store, server }) => {
    assert.equal(await store.putIfAbsent('small', [bytes.subarray(0, 16 * MiB)]), 'stored')
    assert.equal(await store.putIfAbsent('a', parts), 'stored')
    const uploaded = ['UploadPart', 'UploadPart', 'UploadPart']
    const expected = ['PutObject', 'CreateMultipartUpload', ...uploaded, 'CompleteMultipartUpload']
    assert.deepEqual(server.operations, expected)
    assert.equal(server.headersOf('CompleteMultipartUpload')?.['if-none-match'], '*')
    assert.ok(await isStored(store))
    assert.equal(server.openUploads(), 0)
  })
})

test('a part that fails is sent again, however it failed', async () => {
  await withStore(async ({ store, server }) => {
    server.failNext('UploadPart', internalError)
    server.failNext('UploadPart', { kind: 'unanswered' })
    server.failNext('UploadPart', { kind: 'cut' })
    server.failNext('UploadPart', { kind: 'refused', status: 503, code: 'SlowDown' })
    assert.equal(await store.putIfAbsent('a', parts), 'stored')
    assert.ok(await isStored(store))
  })
})

test('a put that fails before its last request had no effect, and leaves no upload', async () => {
  await withStore(async ({ store, server }) => {
    server.failNext('CreateMultipartUpload', internalError)
    await assert.rejects(store.putIfAbsent('a', parts), { name: 'StorageError', effect: 'none' })
    repeat(40, () => server.failNext('UploadPart', internalError))
    await assert.rejects(store.putIfAbsent('a', parts), { name: 'StorageError', effect: 'none' })
    assert.equal(server.openUploads(), 0)
    assert.equal(await store.getRange('a', 0, 1), undefined)
  })
})

test('a failed abort does not hide the failure before it', async () => {
  await withStore(async ({ store, server }) => {
    server.failNext('CompleteMultipartUpload', { kind: 'refused', status: 403, code: 'AccessDenied' })
    server.failNext('AbortMultipartUpload', internalError)
    const refused = { name: 'StorageError', effect: 'none', message: /AccessDenied/ }
    await assert.rejects(store.putIfAbsent('a', parts), refused)
    assert.equal(server.openUploads(), 1)
  })
})

test('a taken name keeps its object, and the upload is aborted', async () => {
  await withStore(async ({ store, server }) => {
    await store.putIfAbsent('a', [Buffer.from('first')])
    assert.equal(await store.putIfAbsent('a', parts), 'exists')
    assert.equal(server.openUploads(), 0)
    assert.equal(Buffer.from((await store.getRange('a', 0, 9)) ?? []).toString(), 'first')
  })
})

test('an upload that meets another put of its name is made again from the start', async () => {
  await withStore(async ({ store, server }) => {
    const conflict = { kind: 'refused', status: 409, code: 'ConditionalRequestConflict' } as const
    server.failNext('CompleteMultipartUpload', conflict)
    assert.equal(await store.putIfAbsent('a', parts), 'stored')
    const created = server.operations.filter((operation) => operation === 'CreateMultipartUpload')
    assert.equal(created.length, 2)
    assert.equal(server.openUploads(), 0)
  })
})

test('a throttled completion is sent again by itself', async () => {
  await withStore(async ({ store, server }) => {
    server.failNext('CompleteMultipartUpload', { kind: 'refused', status: 503, code: 'SlowDown' })
    assert.equal(await store.putIfAbsent('a', parts), 'stored')
    assert.equal(server.operations.filter((operation) => operation === 'UploadPart').length, 3)
  })
})

test('a completion whose answer was lost is looked for, so that nothing is sent again', async () => {
  await withStore(async ({ store, server }) => {
    server.failNext('CompleteMultipartUpload', { kind: 'unanswered' })
    assert.equal(await store.putIfAbsent('a', parts), 'stored')
    assert.equal(server.operations.filter((operation) => operation === 'UploadPart').length, 3)
  })
})

test('a completion that may have happened and shows nothing is unknown', async () => {
  await withStore(async ({ store, server }) => {
    // S3 may begin to answer before it knows: then an error comes in the body of a success.
    for (const status of [200, 500]) {
      server.failNext('CompleteMultipartUpload', { ...internalError, status })
      const unknown = { name: 'StorageError', effect: 'unknown', message: /InternalError/ }
      await assert.rejects(store.putIfAbsent('a', parts), unknown)
    }
    assert.equal(await store.getRange('a', 0, 1), undefined)
  })
})
