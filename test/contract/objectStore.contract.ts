// What every adapter of the object port does alike.
import assert from 'node:assert/strict'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import { type Adapter, assertSame, type Cases, describeContract } from './suite.ts'

export const describeObjectStore = (name: string, adapter: Adapter<ObjectStore>): void =>
  describeContract(name, adapter, cases)

let prefixes = 0
const newPrefix = (): string => {
  prefixes += 1
  return `case-${prefixes}/`
}

const MiB = 1024 * 1024

/** No two MiB are alike. */
const largeBytes = (count: number): Uint8Array => {
  const bytes = new Uint8Array(count * MiB)
  for (let at = 0; at < bytes.byteLength; at += 1) bytes[at] = (at * 31 + (at >>> 20)) % 251
  return bytes
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

const textOf = async (store: ObjectStore, name: string): Promise<string | undefined> => {
  const bytes = await store.getRange(name, 0, 1_000_000)
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

const put = async (store: ObjectStore, name: string, text: string): Promise<void> => {
  assert.equal(await store.putIfAbsent(name, [bytesOf(text)]), 'stored')
}

const readAll = async (store: ObjectStore, prefix: string, limit: number): Promise<string[]> => {
  const names: string[] = []
  let after: string | undefined
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await store.list(prefix, after === undefined ? { limit } : { after, limit })
    assert.ok(page.objects.length <= limit)
    names.push(...page.objects.map(({ name }) => name))
    after = page.next
    if (after === undefined) return names
  }
  throw new Error('paging does not end')
}

const cases: Cases<ObjectStore> = {
  'an object is read as it was put': async (store) => {
    const name = `${newPrefix()}a/b/c_1-2.x`
    const bytes = Uint8Array.from({ length: 256 }, (_, value) => value)
    assert.equal(await store.putIfAbsent(name, [bytes]), 'stored')
    assertSame(await store.getRange(name, 0, 256), bytes)
  },
  "what was read is the reader's own: changing it changes no object": async (store) => {
    const name = `${newPrefix()}own`
    await store.putIfAbsent(name, [bytesOf('abc')])
    const read = await store.getRange(name, 0, 3)
    read?.fill(0)
    assert.equal(await textOf(store, name), 'abc')
  },
  'the parts of a put are one object': async (store) => {
    const name = `${newPrefix()}parts`
    const parts = ['one', '', 'two', 'x'.repeat(70_000), 'end'].map(bytesOf)
    assert.equal(await store.putIfAbsent(name, parts), 'stored')
    assert.equal(await textOf(store, name), `onetwo${'x'.repeat(70_000)}end`)
  },
  'thousands of parts are one object': async (store) => {
    const name = `${newPrefix()}parts`
    const parts = Array.from({ length: 5000 }, (_, index) => bytesOf(`${index},`))
    assert.equal(await store.putIfAbsent(name, parts), 'stored')
    assert.equal(await textOf(store, name), Array.from({ length: 5000 }, (_, index) => `${index},`).join(''))
  },
  'an object of several MiB is kept whole': async (store) => {
    const name = `${newPrefix()}large`
    const bytes = new Uint8Array(5 * 1024 * 1024).map((_, index) => (index * 31) % 251)
    assert.equal(
      await store.putIfAbsent(name, [bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]),
      'stored',
    )
    const read = await store.getRange(name, 0, bytes.byteLength)
    assert.equal(Buffer.compare(read ?? new Uint8Array(), bytes), 0)
  },
  'an object of tens of MiB is kept whole, whatever the lengths of its parts': async (store) => {
    const name = `${newPrefix()}huge`
    const bytes = largeBytes(37)
    const cuts = [0, 1, 7_000_000, 16 * MiB, 16 * MiB + 1, 33 * MiB, bytes.byteLength]
    const parts = cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end))
    assert.equal(await store.putIfAbsent(name, parts), 'stored')
    for (const [start, length] of [
      [0, 10 * MiB],
      [10 * MiB, 10 * MiB],
      [32 * MiB - 1, 2],
      [30 * MiB, 10 * MiB],
    ] as const) {
      const read = await store.getRange(name, start, length)
      assert.equal(Buffer.compare(read ?? new Uint8Array(), bytes.subarray(start, start + length)), 0)
    }
    assert.deepEqual((await store.list(name, { limit: 1 })).objects, [{ name, size: bytes.byteLength }])
  },
  'a taken name keeps its object, however large what is put': async (store) => {
    const name = `${newPrefix()}taken`
    const bytes = largeBytes(17)
    await put(store, name, 'first')
    assert.equal(await store.putIfAbsent(name, [bytes]), 'exists')
    assert.equal(await textOf(store, name), 'first')
    assert.equal(await store.putIfAbsent(`${name}-large`, [bytes]), 'stored')
    const other = Uint8Array.from(bytes)
    other[other.length - 1] = 255
    assert.equal(await store.putIfAbsent(`${name}-large`, [other]), 'exists')
    assert.equal(await store.putIfAbsent(`${name}-large`, [bytes, Uint8Array.of(0)]), 'exists')
    assert.equal(await store.putIfAbsent(`${name}-large`, [bytes.subarray(1)]), 'exists')
  },
  'who puts the same tens of MiB again is told that they are stored': async (store) => {
    const name = `${newPrefix()}again`
    assert.equal(await store.putIfAbsent(name, [largeBytes(17)]), 'stored')
    assert.equal(await store.putIfAbsent(name, [largeBytes(17)]), 'stored')
  },
  'a taken name keeps its object': async (store) => {
    const name = `${newPrefix()}taken`
    await put(store, name, 'first')
    assert.equal(await store.putIfAbsent(name, [bytesOf('second')]), 'exists')
    assert.equal(await textOf(store, name), 'first')
  },
  'who puts the same bytes again is told that they are stored': async (store) => {
    const name = `${newPrefix()}again`
    await put(store, name, 'same')
    await put(store, name, 'same')
    assert.equal(await store.putIfAbsent(name, [bytesOf('same and more')]), 'exists')
    assert.equal(await store.putIfAbsent(name, [bytesOf('sam')]), 'exists')
    assert.equal(await store.putIfAbsent(name, []), 'exists')
    assert.equal(await textOf(store, name), 'same')
  },
  'a range is cut where the object ends': async (store) => {
    const name = `${newPrefix()}range`
    await put(store, name, '0123456789')
    const range = async (start: number, length: number) => {
      const bytes = await store.getRange(name, start, length)
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
    }
    assert.equal(await range(0, 1), '0')
    assert.equal(await range(3, 4), '3456')
    assert.equal(await range(8, 2), '89')
    assert.equal(await range(8, 3), '89')
    assert.equal(await range(9, 1_000_000_000), '9')
    assert.equal(await range(10, 1), '')
    assert.equal(await range(1_000_000, 1), '')
  },
  'an object may be empty': async (store) => {
    const prefix = newPrefix()
    assert.equal(await store.putIfAbsent(`${prefix}none`, []), 'stored')
    assert.equal(await store.putIfAbsent(`${prefix}zero`, [new Uint8Array()]), 'stored')
    assertSame(await store.getRange(`${prefix}none`, 0, 10), new Uint8Array())
    assertSame(await store.getRange(`${prefix}zero`, 5, 10), new Uint8Array())
    assertSame(
      (await store.list(prefix, { limit: 10 })).objects.map(({ size }) => size),
      [0, 0],
    )
  },
  'an absent object is undefined': async (store) => {
    const prefix = newPrefix()
    assert.equal(await store.getRange(`${prefix}absent`, 0, 1), undefined)
    await put(store, `${prefix}a`, 'x')
    assert.equal(await store.getRange(`${prefix}a/b`, 0, 1), undefined)
  },
  'a name may go on where another ends': async (store) => {
    const prefix = newPrefix()
    const names = ['a', 'a/b', 'a/b/c', 'b/c', 'b'].map((name) => prefix + name)
    for (const name of names) await put(store, name, name)
    for (const name of names) assert.equal(await textOf(store, name), name)
    assert.deepEqual(await readAll(store, prefix, 100), names.toSorted())
  },
  'a list has the names with the prefix, in order, with their sizes': async (store) => {
    const prefix = newPrefix()
    const names = ['b', 'a/2', 'a/10', 'a-1', 'a.1', 'a', 'a0', 'A', 'a/1/x', '_', 'a/1.x']
    for (const name of names) await put(store, prefix + name, 'x'.repeat(name.length))
    const sorted = names.toSorted()
    const page = await store.list(prefix, { limit: 100 })
    const objects = sorted.map((name) => ({ name: prefix + name, size: name.length }))
    assertSame(page, { objects, next: undefined })
    const within = async (part: string) =>
      (await store.list(prefix + part, { limit: 100 })).objects.map(({ name }) => name.slice(prefix.length))
    for (const part of ['a', 'a/', 'a/1', 'a-', 'x', 'a/1/', 'b']) {
      assert.deepEqual(
        await within(part),
        sorted.filter((name) => name.startsWith(part)),
        part,
      )
    }
    assertSame(await store.list(`${prefix}none/at/all`, { limit: 1 }), { objects: [], next: undefined })
  },
  'pages follow one another without a gap or a repetition': async (store) => {
    const prefix = newPrefix()
    const names = Array.from({ length: 23 }, (_, index) => `${prefix}${index % 3}/${index % 2}/${index}`)
    for (const name of names) await put(store, name, 'x')
    for (const limit of [1, 4, 23, 24]) {
      assert.deepEqual(await readAll(store, prefix, limit), names.toSorted())
    }
  },
  'a list goes on after a name that is there no more': async (store) => {
    const prefix = newPrefix()
    for (const name of ['a', 'c', 'd']) await put(store, prefix + name, 'x')
    const page = await store.list(prefix, { after: `${prefix}b`, limit: 1 })
    assert.deepEqual(page.objects, [{ name: `${prefix}c`, size: 1 }])
  },
  'a deleted object is absent, and deleting an absent one is no error': async (store) => {
    const prefix = newPrefix()
    for (const name of ['a', 'b', 'c']) await put(store, prefix + name, 'x')
    await store.delete([`${prefix}a`, `${prefix}absent`, `${prefix}no/folder`, `${prefix}c`])
    await store.delete([])
    assert.equal(await store.getRange(`${prefix}a`, 0, 1), undefined)
    assert.deepEqual(await readAll(store, prefix, 100), [`${prefix}b`])
  },
  'more than a thousand objects are deleted by one call': async (store) => {
    const prefix = newPrefix()
    const names = Array.from({ length: 1001 }, (_, index) => `${prefix}${index}`)
    const existing = names.filter((_, index) => index % 100 === 0)
    for (const name of existing) await put(store, name, 'x')
    await store.delete(names)
    assert.deepEqual(await readAll(store, prefix, 100), [])
  },
  'of 200 puts of one name one stores its object': async (store) => {
    const name = `${newPrefix()}race`
    const racers = Array.from({ length: 200 }, (_, racer) =>
      store.putIfAbsent(name, [bytesOf(`racer ${racer}`)]),
    )
    const winners = (await Promise.all(racers)).flatMap((answer, racer) =>
      answer === 'stored' ? [racer] : [],
    )
    assert.equal(winners.length, 1)
    assert.equal(await textOf(store, name), `racer ${winners[0]}`)
  },
  'names, ranges and limits out of bounds are mistakes': async (store) => {
    const names = [
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      'a/../b',
      'a/./b',
      'a b',
      'ä',
      'a\\b',
      'a\u0000',
      '../a',
    ]
    for (const name of [...names, 'x'.repeat(1025)]) {
      await assert.rejects(store.putIfAbsent(name, []), /broken invariant/, name)
      await assert.rejects(store.getRange(name, 0, 1), /broken invariant/, name)
      await assert.rejects(store.delete([name]), /broken invariant/, name)
    }
    for (const prefix of ['../', '/', 'a/../', 'a//', 'ä']) {
      await assert.rejects(store.list(prefix, { limit: 1 }), /broken invariant/, prefix)
    }
    await assert.rejects(store.getRange('a', -1, 1), /broken invariant/)
    await assert.rejects(store.getRange('a', 0, 0), /broken invariant/)
    await assert.rejects(store.list('', { limit: 0 }), /broken invariant/)
    await assert.rejects(store.list('', { limit: 1001 }), /broken invariant/)
  },
}
