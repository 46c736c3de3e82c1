import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { StorageError } from '../../../../shared/base/errors.ts'
import { openEmbeddedStorage } from '../../../../shared/storage/embedded/open.ts'

test('whoever reads item after item lets others have their turn', async (context) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-turns-'))
  const storage = await openEmbeddedStorage(folder)
  context.after(async () => {
    await storage.close()
    await rm(folder, { recursive: true })
  })
  const key = { pk: 'p', sk: 's' }
  await storage.table.write({ kind: 'put', key, attributes: {} })
  const turnsDuring = async (read: () => Promise<unknown>) => {
    let turns = 0
    let isOver = false
    const count = () => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    for (let reads = 0; reads < 1000; reads++) await read()
    isOver = true
    return turns
  }
  assert.ok((await turnsDuring(() => storage.table.get(key))) >= 10)
  assert.ok((await turnsDuring(() => storage.table.query({ pk: 'p', limit: 10 }))) >= 10)
  assert.ok((await turnsDuring(() => storage.table.query({ pk: 'nothing', limit: 10 }))) >= 10)
})

test('a closed table refuses those who wait for their turn, and says that nothing happened', async (context) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-turns-'))
  const storage = await openEmbeddedStorage(folder)
  context.after(() => rm(folder, { recursive: true }))
  const key = { pk: 'p', sk: 's' }
  await storage.table.write({ kind: 'put', key, attributes: {} })
  for (let reads = 0; reads < 16; reads++) assert.ok(await storage.table.get(key))
  const waiting = [storage.table.get(key), storage.table.query({ pk: 'p', limit: 10 })]
  const closed = storage.close()
  for (const read of waiting) {
    await assert.rejects(read, (error) => error instanceof StorageError && error.effect === 'none')
  }
  await closed
})
