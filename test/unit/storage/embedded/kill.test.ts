import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type EmbeddedStorage, openEmbeddedStorage } from '../../../../shared/storage/embedded/open.ts'

const killedWriter = fileURLToPath(new URL('./killedWriter.ts', import.meta.url))

/** Runs a writer until it has acknowledged so much, kills it, and returns all that it acknowledged. */
const killAfter = async (folder: string, first: number, lines: number): Promise<string[]> => {
  const child = spawn(process.execPath, [killedWriter, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const acknowledged: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line)
    if (acknowledged.length === lines) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL')
  return acknowledged
}

const assertAcknowledged = async ({ table, objects }: EmbeddedStorage, line: string): Promise<void> => {
  const [what, digits] = line.split(' ')
  const number = Number(digits)
  const name = String(number).padStart(8, '0')
  const bytes = Buffer.alloc(5000, name)
  if (what === 'object') {
    const stored = await objects.getRange(`kill/${number % 7}/${name}`, 0, 10_000)
    assert.ok(stored !== undefined && bytes.equals(stored), line)
    return
  }
  const item = await table.get({ pk: 'item', sk: name })
  assert.ok(item !== undefined && item.attributes.bytes instanceof Uint8Array, line)
  assert.ok(bytes.equals(item.attributes.bytes) && item.attributes.number === number, line)
}

/** Objects that were stored but not acknowledged are whole too. */
const assertWhole = async ({ objects }: EmbeddedStorage): Promise<number> => {
  const { objects: listed } = await objects.list('kill/', { limit: 1000 })
  assert.ok(listed.every(({ size }) => size === 5000))
  return listed.length
}

const assertAllAcknowledged = async (storage: EmbeddedStorage, lines: readonly string[]): Promise<void> => {
  for (const line of lines) await assertAcknowledged(storage, line)
  const objects = lines.filter((line) => line.startsWith('object'))
  assert.ok((await assertWhole(storage)) >= Math.min(1000, objects.length))
  const count = await storage.table.get({ pk: 'count', sk: 'all' })
  assert.ok(Number(count?.attributes.count) >= lines.length - objects.length)
}

test('a process that is killed at any moment has lost nothing that it acknowledged', async (context) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-kill-'))
  context.after(() => rm(folder, { recursive: true }))
  const acknowledged: string[] = []
  for (let round = 0; round < 5; round += 1) {
    acknowledged.push(...(await killAfter(folder, round * 10_000, 20 + round * 37)))
    const storage = await openEmbeddedStorage(folder)
    try {
      await assertAllAcknowledged(storage, acknowledged)
    } finally {
      await storage.close()
    }
  }
})
