// A storage that fails is told to the operator, once a minute, and answers as it would have.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { watchStorage } from '../../../shared/runtime/watchedStorage.ts'
import { startServerProcess } from '../../support/serverProcess.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const noSpace = new StorageError('none', 'the object store: ENOSPC: no space left on device, write')

function watched(isFull: () => boolean) {
  const clock = createVirtualClock()
  const { objects, table } = memoryPorts()
  const full = {
    ...objects,
    putIfAbsent: async (...args: Parameters<typeof objects.putIfAbsent>) => {
      if (isFull()) throw noSpace
      return objects.putIfAbsent(...args)
    },
  }
  const told: (readonly [string, number])[] = []
  const storage = watchStorage(
    { objects: full, table },
    { clock, report: ({ message }, untold) => told.push([message, untold]) },
  )
  let names = 0
  const put = () => storage.objects.putIfAbsent(`o${names++}`, [new Uint8Array([1])])
  return { clock, storage, told, put }
}

test('a full disk is told once a minute, with how many failures there were besides', async () => {
  const { clock, told, put } = watched(() => true)
  for (let second = 0; second < 130; second++) {
    await assert.rejects(put(), noSpace)
    clock.advance(1000)
  }
  assert.deepEqual(told, [
    [noSpace.message, 0],
    [noSpace.message, 59],
    [noSpace.message, 59],
  ])
})

test('a disk that is full for large puts only is told no more often', async () => {
  let calls = 0
  const { clock, told, put } = watched(() => calls++ % 2 === 0)
  for (let second = 0; second < 60; second++) {
    await put().catch((error) => assert.equal(error, noSpace))
    clock.advance(500)
  }
  assert.equal(told.length, 1)
})

test('what is no failure of the storage is not told, and answers come through', async () => {
  const { storage, told, put } = watched(() => false)
  assert.equal(await put(), 'stored')
  assert.deepEqual(await storage.objects.getRange('o0', 0, 1), new Uint8Array([1]))
  await assert.rejects(
    storage.objects.putIfAbsent('/no name/', []),
    (error) => !(error instanceof StorageError),
  )
  const put1 = {
    kind: 'put',
    key: { pk: 'p', sk: 's' },
    attributes: {},
    when: [{ kind: 'itemExists' }],
  } as const
  assert.equal((await storage.table.write(put1)).ok, false, 'a refusal is no failure')
  assert.deepEqual(told, [])
})

test('the local server logs what its disk refuses, in one line, and answers 50003', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-watched-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const server = await startServerProcess({ DATA_DIR: folder, COMPACTION_INTERVAL_MS: '0' })
  t.after(() => server.kill())
  const post = async (path: string, body: object) =>
    fetch(`${server.url}/v3/clusters/local/topics${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const created = await post('', { topic_name: 't', configs: [{ name: 'millrace.write.path', value: 's3' }] })
  assert.equal(created.status, 201)
  // Puts fail from here on, as they do on a full disk.
  await rm(join(folder, 'objects', 'incoming'), { recursive: true })
  await rm(join(folder, 'objects', 'stored'), { recursive: true })
  const value = { type: 'STRING', data: 'x' }
  for (let i = 0; i < 2; i++) {
    const answer = await (await post('/t/records', { value })).text()
    assert.match(answer, /"error_code":50003/)
  }
  const { stderr } = await server.stop()
  const lines = stderr.trimEnd().split('\n')
  assert.equal(lines.length, 1, stderr)
  assert.match(lines[0] ?? '', /"storage failed".*ENOENT/)
})
