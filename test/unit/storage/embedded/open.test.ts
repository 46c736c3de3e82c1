import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openConnectedStorage, openEmbeddedStorage } from '../../../../shared/storage/embedded/open.ts'

const newFolder = async (context: TestContext): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-open-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const openAndClose = async (folder: string): Promise<void> => (await openEmbeddedStorage(folder)).close()

const key = { pk: 'p', sk: 's' }

test('what was written is there after the storage was closed and opened again', async (context) => {
  const folder = path.join(await newFolder(context), 'made', 'below')
  const attributes = { bytes: Uint8Array.of(0, 255), list: ['a', 1], number: -5, text: 'é' }
  const first = await openEmbeddedStorage(folder)
  await first.table.write({ kind: 'put', key, attributes })
  await first.objects.putIfAbsent('a/b', [Buffer.from('object')])
  await first.close()
  const second = await openEmbeddedStorage(folder)
  assert.deepEqual((await second.table.get(key))?.attributes, attributes)
  assert.deepEqual(await second.objects.getRange('a/b', 0, 10), new Uint8Array(Buffer.from('object')))
  await second.close()
})

test('a folder that is made is its owner’s alone, and one that is there stays as it is', async (context) => {
  const folder = await newFolder(context)
  const made = path.join(folder, 'made')
  await openAndClose(made)
  assert.equal((await stat(made)).mode & 0o777, 0o700)
  const there = path.join(folder, 'there')
  await mkdir(there, { mode: 0o750 })
  await openAndClose(there)
  assert.equal((await stat(there)).mode & 0o777, 0o750)
})

test('a folder has one opener at a time, in one process', async (context) => {
  const folder = await newFolder(context)
  const storage = await openEmbeddedStorage(folder)
  await assert.rejects(openEmbeddedStorage(folder), {
    message: `${folder} is in use by another Millrace process`,
  })
  await storage.table.write({ kind: 'put', key, attributes: {} })
  await storage.close()
  await openAndClose(folder)
})

test('a folder has one opener until the kernel knows that its process is gone', async (context) => {
  const folder = await newFolder(context)
  const writer = fileURLToPath(new URL('./killedWriter.ts', import.meta.url))
  const child = spawn(process.execPath, ['--expose-gc', writer, folder, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  context.after(() => child.kill('SIGKILL'))
  const first = await Promise.race([once(child.stdout, 'data'), exited])
  let acknowledged = String(first[0])
  assert.match(acknowledged, /^(object|item) \d/)
  // After its first item the writer has collected its garbage.
  while (!acknowledged.includes('item')) acknowledged += String((await once(child.stdout, 'data'))[0])
  await assert.rejects(openAndClose(folder), /is in use by another Millrace process/)
  child.kill('SIGKILL')
  await exited
  await openAndClose(folder)
})

test('a folder of something else is refused and left as it was', async (context) => {
  const folder = await newFolder(context)
  await writeFile(path.join(folder, 'letter.txt'), 'dear')
  await assert.rejects(openEmbeddedStorage(folder), /it holds "letter.txt" and no FORMAT/)
  assert.deepEqual(await readdir(folder), ['letter.txt'])
})

test('a folder of another format is refused and left as it was', async (context) => {
  const folder = await newFolder(context)
  await writeFile(path.join(folder, 'FORMAT'), 'Millrace storage, format 2\n')
  await assert.rejects(
    openEmbeddedStorage(folder),
    /holds "Millrace storage, format 2" and this Millrace reads/,
  )
  assert.deepEqual(await readdir(folder), ['FORMAT'])
})

test('a table of another schema version is refused', async (context) => {
  const folder = await newFolder(context)
  await openAndClose(folder)
  const database = new DatabaseSync(path.join(folder, 'table'))
  database.exec('PRAGMA user_version = 2')
  database.close()
  const sentence = /has schema version 2 and this Millrace reads version 1/
  await assert.rejects(openEmbeddedStorage(folder), sentence)
  await assert.rejects(openEmbeddedStorage(folder), sentence)
})

test('a start cut short before its FORMAT is no obstacle, nor is lost+found', async (context) => {
  const folder = await newFolder(context)
  await writeFile(path.join(folder, 'lock'), '')
  await writeFile(path.join(folder, 'FORMAT.new'), 'Mill')
  await mkdir(path.join(folder, 'lost+found'))
  await openAndClose(folder)
  assert.equal(await readFile(path.join(folder, 'FORMAT'), 'utf8'), 'Millrace storage, format 1\n')
})

test('what a cut-short put left is removed when the storage is opened', async (context) => {
  const folder = await newFolder(context)
  await openAndClose(folder)
  const incoming = path.join(folder, 'objects', 'incoming')
  await writeFile(path.join(incoming, '7'), 'half an obj')
  const storage = await openEmbeddedStorage(folder)
  assert.deepEqual(await readdir(incoming), [])
  assert.deepEqual(await storage.objects.list('', { limit: 10 }), { objects: [], next: undefined })
  await storage.close()
})

test('closing waits for accepted writes, and refuses others without an effect', async (context) => {
  const folder = await newFolder(context)
  const storage = await openEmbeddedStorage(folder)
  const add = { kind: 'update', key, actions: [{ kind: 'add', attribute: 'n', value: 1 }] } as const
  const accepted = Array.from({ length: 2000 }, () => storage.table.write(add))
  const closed = storage.close()
  const late = assert.rejects(storage.table.write(add), { name: 'StorageError', effect: 'none' })
  await assert.rejects(storage.table.get(key), { name: 'StorageError', effect: 'none' })
  assert.ok((await Promise.all(accepted)).every(({ ok }) => ok))
  await Promise.all([closed, late])
  const again = await openEmbeddedStorage(folder)
  assert.deepEqual((await again.table.get(key))?.attributes, { n: 2000 })
  await again.close()
})

test('two threads write the same storage: each sees what the other wrote, one of two puts wins', async (context) => {
  const folder = await newFolder(context)
  const storage = await openEmbeddedStorage(folder)
  const other = await openConnectedStorage(storage.connect())
  const add = { kind: 'update', key, actions: [{ kind: 'add', attribute: 'n', value: 1 }] } as const
  const writes = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? storage : other).table.write(add))
  assert.ok((await Promise.all(writes)).every(({ ok }) => ok))
  for (const { table } of [storage, other]) assert.deepEqual((await table.get(key))?.attributes, { n: 200 })
  const large = 5 * 1024 * 1024
  for (const size of [10, large]) {
    const puts = [storage, other].map(({ objects }, i) =>
      objects.putIfAbsent(`a/${size}`, [Buffer.alloc(size, i + 1)]),
    )
    assert.deepEqual((await Promise.all(puts)).toSorted(), ['exists', 'stored'])
    const seen = await Promise.all(
      [storage, other].map(({ objects }) => objects.getRange(`a/${size}`, 0, large)),
    )
    assert.ok(seen[0] && seen[1] && Buffer.from(seen[0]).equals(seen[1]))
  }
  await other.close()
  await assert.rejects(other.table.write(add), { name: 'StorageError', effect: 'none' })
  assert.equal((await storage.table.write(add)).ok, true)
  await storage.close()
})

test('a storage that closes refuses what the other thread has still to write', async (context) => {
  const storage = await openEmbeddedStorage(await newFolder(context))
  const other = await openConnectedStorage(storage.connect())
  await storage.close()
  const write = other.table.write({ kind: 'put', key, attributes: {} })
  await assert.rejects(write, { name: 'StorageError' })
  await other.close()
})

test('a storage whose writer ended says how, and refuses what is still to be written', async (context) => {
  const storage = await openEmbeddedStorage(await newFolder(context))
  storage.connect().tablePort.postMessage('nonsense')
  assert.match((await storage.ended).message, /^the thread that writes the table ended: .* is sent bytes$/)
  const late = storage.table.write({ kind: 'put', key, attributes: {} })
  await assert.rejects(late, { name: 'StorageError', effect: 'none' })
  await storage.close()
})

test('a put that cannot be written has no effect and says so', async (context) => {
  const folder = await newFolder(context)
  const storage = await openEmbeddedStorage(folder)
  await rm(path.join(folder, 'objects', 'incoming'), { recursive: true })
  for (const bytes of [Buffer.from('x'), Buffer.alloc(5 * 1024 * 1024)]) {
    const put = storage.objects.putIfAbsent('a/b', [bytes])
    await assert.rejects(put, { name: 'StorageError', effect: 'none' })
    assert.equal(await storage.objects.getRange('a/b', 0, 1), undefined)
  }
  await storage.close()
})

test('a large object is stored once, and leaves nothing else behind', async (context) => {
  const folder = await newFolder(context)
  const storage = await openEmbeddedStorage(folder)
  const parts = [Buffer.alloc(3 * 1024 * 1024, 'a'), Buffer.alloc(3 * 1024 * 1024, 'b')]
  const other = [Buffer.alloc(6 * 1024 * 1024, 'c')]
  const outcomes = await Promise.all([parts, other].map((bytes) => storage.objects.putIfAbsent('a/b', bytes)))
  assert.deepEqual(outcomes.toSorted(), ['exists', 'stored'])
  const winner = outcomes[0] === 'stored' ? parts : other
  const stored = await storage.objects.getRange('a/b', 0, 7 * 1024 * 1024)
  assert.ok(stored && Buffer.concat(winner).equals(stored))
  assert.deepEqual(await readdir(path.join(folder, 'objects', 'incoming')), [])
  await storage.close()
})

test('a mistake fails alone among the writes of its group', async (context) => {
  const storage = await openEmbeddedStorage(await newFolder(context))
  const append = { kind: 'append', attribute: 'n', values: ['x'] } as const
  const add = { kind: 'add', attribute: 'n', value: 1 } as const
  const update = (action: typeof add | typeof append) =>
    storage.table.write({ kind: 'update', key, actions: [action] })
  const results = await Promise.allSettled([update(add), update(append), update(add)])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual((await storage.table.get(key))?.attributes, { n: 2 })
  await storage.close()
})
