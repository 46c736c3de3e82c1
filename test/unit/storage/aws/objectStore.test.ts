import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { S3Client } from '@aws-sdk/client-s3'
import { StorageError } from '../../../../shared/base/errors.ts'
import { createS3ObjectStore } from '../../../../shared/storage/aws/objectStore.ts'
import { startS3Server } from '../../../contract/s3Server.ts'
import { clientSettings, createTestClock, middling, repeat, withStore } from './s3Store.ts'

const mine = [Buffer.from('mine')]
const slowDown = { kind: 'refused', status: 503, code: 'SlowDown' } as const
const unknown = { name: 'StorageError', effect: 'unknown' }
const none = { name: 'StorageError', effect: 'none', throttled: false }

test('a put is one whole body, with its checksum, on the condition that the name is free', async () => {
  await withStore(async ({ store, server }) => {
    await store.putIfAbsent('a', [Buffer.from('mi'), Buffer.from('ne')])
    const headers = server.headersOf('PutObject')
    assert.equal(headers?.['if-none-match'], '*')
    assert.equal(headers?.['content-length'], '4')
    assert.equal(headers?.['x-amz-checksum-crc32'], 'aajTkw==')
    assert.match(String(headers?.['x-amz-content-sha256']), /^[0-9a-f]{64}$/)
    assert.equal(headers?.['x-amz-server-side-encryption'], undefined)
  })
})

test('objects of who has a key are encrypted under it, with a bucket key, and no others', async () => {
  const key = 'arn:aws:kms:us-east-1:111122223333:key/1'
  const kmsKeyOf = async (name: string) => (name.startsWith('mine/') ? key : undefined)
  const large = [new Uint8Array(17 * 1024 * 1024)]
  await withStore(
    async ({ store, server }) => {
      const encryptionOf = (operation: 'PutObject' | 'CreateMultipartUpload') =>
        ['', '-aws-kms-key-id', '-bucket-key-enabled'].map(
          (suffix) => server.headersOf(operation)?.[`x-amz-server-side-encryption${suffix}`],
        )
      for (const [tenant, expected] of [
        ['mine', ['aws:kms', key, 'true']],
        ['others', [undefined, undefined, undefined]],
      ] as const) {
        await store.putIfAbsent(`${tenant}/a`, mine)
        await store.putIfAbsent(`${tenant}/large`, large)
        assert.deepEqual(encryptionOf('PutObject'), expected, tenant)
        assert.deepEqual(encryptionOf('CreateMultipartUpload'), expected, tenant)
      }
    },
    { kmsKeyOf },
  )
})

test('nothing is put while nobody can say under which key', async () => {
  const kmsKeyOf = () => Promise.reject(new StorageError('none', 'DynamoDB: no answer'))
  await withStore(
    async ({ store, server }) => {
      await assert.rejects(store.putIfAbsent('a', mine), none)
      assert.deepEqual(server.operations, [])
    },
    { kmsKeyOf },
  )
})

test('a key that is disabled fails puts and reads, which then had no effect', async () => {
  await withStore(async ({ store, server }) => {
    const disabled = { kind: 'refused', status: 400, code: 'KMS.DisabledException' } as const
    server.failNext('PutObject', disabled)
    await assert.rejects(store.putIfAbsent('a', mine), { ...none, keyRefused: true })
    await store.putIfAbsent('a', mine)
    server.failNext('GetObject', disabled)
    await assert.rejects(store.getRange('a', 0, 4), { ...none, keyRefused: true })
  })
})

test('a put whose answer was lost is unknown, and is found stored when it is put again', async () => {
  await withStore(async ({ store, server }) => {
    server.failNext('PutObject', { kind: 'unanswered' })
    await assert.rejects(store.putIfAbsent('a', mine), unknown)
    assert.equal(await store.putIfAbsent('a', mine), 'stored')
    server.failNext('PutObject', { kind: 'failed', status: 500, code: 'InternalError' })
    await assert.rejects(store.putIfAbsent('b', mine), unknown)
    assert.equal(await store.putIfAbsent('b', [Buffer.from('other')]), 'exists')
    assert.equal(await store.putIfAbsent('b', [Buffer.from('mine and more')]), 'exists')
    assert.equal(await store.putIfAbsent('b', [Buffer.from('min')]), 'exists')
  })
})

test('a put that is told that its own bytes have the name is stored', async () => {
  await withStore(async ({ store, server }) => {
    server.failNext('PutObject', { kind: 'failed', status: 412, code: 'PreconditionFailed' })
    assert.equal(await store.putIfAbsent('a', mine), 'stored')
    assert.deepEqual(server.operations, ['PutObject', 'GetObject', 'GetObject'])
  })
})

test('a taken name whose object cannot be read is unknown', async () => {
  await withStore(async ({ store, server }) => {
    await store.putIfAbsent('a', mine)
    server.failNext('GetObject', { kind: 'cut' })
    await assert.rejects(store.putIfAbsent('a', mine), unknown)
    server.failNext('GetObject', { kind: 'refused', status: 403, code: 'AccessDenied' })
    await assert.rejects(store.putIfAbsent('a', mine), unknown)
  })
})

test('a put that meets another of its name is sent again, for a second', async () => {
  await withStore(async ({ store, server, clock }) => {
    const conflict = { kind: 'refused', status: 409, code: 'ConditionalRequestConflict' } as const
    repeat(3, () => server.failNext('PutObject', conflict))
    assert.equal(await store.putIfAbsent('a', mine), 'stored')
    assert.equal(server.requests.length, 4)
    repeat(20, () => server.failNext('PutObject', conflict))
    const startedMs = clock.now()
    await assert.rejects(store.putIfAbsent('b', mine), none)
    assert.ok(clock.now() - startedMs <= 1000)
    assert.ok(server.requests.length < 4 + 12)
  })
})

test('a throttled call is sent again, for a second, and had no effect', async () => {
  const throttled = { name: 'StorageError', effect: 'none', throttled: true }
  await withStore(async ({ store, server }) => {
    repeat(2, () => server.failNext('PutObject', slowDown))
    assert.equal(await store.putIfAbsent('a', mine), 'stored')
    for (const operation of ['PutObject', 'GetObject', 'ListObjectsV2', 'DeleteObjects'] as const) {
      repeat(20, () => server.failNext(operation, slowDown))
    }
    await assert.rejects(store.putIfAbsent('b', mine), throttled)
    await assert.rejects(store.getRange('a', 0, 1), throttled)
    await assert.rejects(store.list('', { limit: 1 }), throttled)
    await assert.rejects(store.delete(['a']), throttled)
  })
})

test('a put that was refused had no effect', async () => {
  await withStore(async ({ store, server }) => {
    for (const [status, code] of [
      [403, 'AccessDenied'],
      [400, 'BadDigest'],
      [400, 'RequestTimeout'],
    ] as const) {
      server.failNext('PutObject', { kind: 'refused', status, code })
      await assert.rejects(store.putIfAbsent('a', mine), none)
    }
    assert.equal(await store.getRange('a', 0, 1), undefined)
  })
})

test('a put that was cut off or never answered may have happened', async () => {
  const requestHandler = { requestTimeout: 200, throwOnRequestTimeout: true }
  await withStore(
    async ({ store, server }) => {
      server.failNext('PutObject', { kind: 'cut' })
      await assert.rejects(store.putIfAbsent('a', mine), unknown)
      server.failNext('PutObject', { kind: 'silent' })
      await assert.rejects(store.putIfAbsent('b', mine), unknown)
      assert.equal(await store.putIfAbsent('b', mine), 'stored')
    },
    { requestHandler },
  )
})

const withClient = async (client: S3Client, run: (put: Promise<unknown>) => Promise<void>): Promise<void> => {
  const store = createS3ObjectStore({ client, bucket: 'log', clock: createTestClock(), random: middling })
  await run(store.putIfAbsent('a', mine))
  client.destroy()
}

test('a put that found nobody listening, or no connection in time, had no effect', async () => {
  const server = await startS3Server('log')
  await server.close()
  await withClient(new S3Client(clientSettings(server.endpoint)), (put) => assert.rejects(put, none))
  // The name is never looked up, so that the connection is never made.
  const requestHandler = { connectionTimeout: 100, httpAgent: new Agent({ lookup: () => undefined }) }
  const unconnected = new S3Client({ ...clientSettings('http://localhost:1'), requestHandler })
  await withClient(unconnected, (put) => assert.rejects(put, none))
})

test('deletes are sent a thousand at a time', async () => {
  await withStore(async ({ store, server }) => {
    await store.delete(Array.from({ length: 2001 }, (_, index) => `a/${index}`))
    assert.deepEqual(server.operations, ['DeleteObjects', 'DeleteObjects', 'DeleteObjects'])
  })
})

test('names that cannot be deleted are told, and do not keep the others', async () => {
  await withStore(async ({ store, server }) => {
    const names = Array.from({ length: 1002 }, (_, index) => `${index}`)
    await store.putIfAbsent('7', mine)
    await store.putIfAbsent('1001', mine)
    server.protect('7', 'AccessDenied')
    const message = 'S3: 1 of 1002 deletes failed: 7: AccessDenied'
    await assert.rejects(store.delete(names), { ...unknown, message })
    assert.deepEqual((await store.list('', { limit: 10 })).objects, [{ name: '7', size: 4 }])
    server.protect('8', 'SlowDown')
    const throttled = { name: 'StorageError', effect: 'none', throttled: true }
    await assert.rejects(store.delete(['8']), throttled)
  })
})

test('a refused delete had no effect, and one that is answered with a 5xx may have had', async () => {
  await withStore(async ({ store, server }) => {
    server.failNext('DeleteObjects', { kind: 'refused', status: 403, code: 'AccessDenied' })
    await assert.rejects(store.delete(['a']), none)
    server.failNext('DeleteObjects', { kind: 'refused', status: 500, code: 'InternalError' })
    await assert.rejects(store.delete(['a']), unknown)
  })
})

test('every request is reported, with how it went', async () => {
  await withStore(async ({ store, server, calls }) => {
    server.failNext('PutObject', slowDown)
    await store.putIfAbsent('a', mine)
    await store.putIfAbsent('a', [Buffer.from('other')])
    await store.getRange('absent', 0, 1)
    server.failNext('ListObjectsV2', { kind: 'refused', status: 500, code: 'InternalError' })
    await assert.rejects(store.list('', { limit: 1 }))
    assert.deepEqual(
      calls.map(({ operation, outcome, capacityUnits }) => [operation, outcome, capacityUnits]),
      [
        ['PutObject', 'throttled', 0],
        ['PutObject', 'done', 0],
        ['PutObject', 'refused', 0],
        ['GetObject', 'done', 0],
        ['GetObject', 'refused', 0],
        ['ListObjectsV2', 'failed', 0],
      ],
    )
  })
})
