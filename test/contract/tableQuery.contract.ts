// What every adapter of the table port does alike: queries, their order, bounds and pages.
import assert from 'node:assert/strict'
import type { Query, Table } from '../../shared/ports/table.ts'
import { assertSame, type Cases } from './suite.ts'

let partitions = 0
const newPk = (): string => {
  partitions += 1
  return `query-${partitions}`
}

const fill = async (table: Table, sortKeys: readonly string[]): Promise<string> => {
  const pk = newPk()
  for (const sk of sortKeys) await table.write({ kind: 'put', key: { pk, sk }, attributes: { is: sk } })
  return pk
}

const sortKeysOf = async (table: Table, query: Query): Promise<string[]> =>
  (await table.query(query)).items.map(({ key }) => key.sk)

/** By pages until there is no next one. */
const readAll = async (table: Table, query: Query): Promise<string[][]> => {
  const pages: string[][] = []
  let after: string | undefined
  do {
    const page = await table.query(after === undefined ? query : { ...query, after })
    pages.push(page.items.map(({ key }) => key.sk))
    after = page.next
    assert.ok(pages.length < 100, 'paging ends')
  } while (after !== undefined)
  return pages
}

const letters = ['a', 'b', 'ba', 'bb', 'c', 'd']

export const queryCases: Cases<Table> = {
  'a query reads whole items of one pk': async (table) => {
    const pk = await fill(table, ['a'])
    await fill(table, ['b'])
    const page = await table.query({ pk, limit: 10 })
    assertSame(page, { items: [{ key: { pk, sk: 'a' }, attributes: { is: 'a' } }], next: undefined })
    assertSame(await table.query({ pk: newPk(), limit: 10 }), { items: [], next: undefined })
  },
  'items come in the order of the UTF-8 bytes of their sort keys': async (table) => {
    const sorted = [
      '0',
      '9',
      'A',
      'a',
      'a\u0000',
      'a!',
      'aa',
      'z',
      '~',
      'é',
      '\ud7ff',
      '\uffff',
      '😀',
      '\u{10ffff}',
    ]
    const pk = await fill(table, sorted.toReversed())
    assert.deepEqual(await sortKeysOf(table, { pk, limit: 100 }), sorted)
    assert.deepEqual(await sortKeysOf(table, { pk, limit: 100, descending: true }), sorted.toReversed())
  },
  'bounds are inclusive, and either may be left out': async (table) => {
    const pk = await fill(table, letters)
    const between = (bounds: Partial<Query>) => sortKeysOf(table, { pk, limit: 100, ...bounds })
    assert.deepEqual(await between({ from: 'b', to: 'c' }), ['b', 'ba', 'bb', 'c'])
    assert.deepEqual(await between({ from: 'ba' }), ['ba', 'bb', 'c', 'd'])
    assert.deepEqual(await between({ to: 'b' }), ['a', 'b'])
    assert.deepEqual(await between({ from: 'b', to: 'b' }), ['b'])
    assert.deepEqual(await between({ from: 'c', to: 'b' }), [])
    assert.deepEqual(await between({ from: 'b', to: 'bz', descending: true }), ['bb', 'ba', 'b'])
  },
  'a prefix names the sort keys that begin with it': async (table) => {
    const pk = await fill(table, [...letters, 'b\u{10ffff}', 'b\u{10ffff}x'])
    const withPrefix = (prefix: string, descending = false) =>
      sortKeysOf(table, { pk, limit: 100, prefix, descending })
    assert.deepEqual(await withPrefix('b'), ['b', 'ba', 'bb', 'b\u{10ffff}', 'b\u{10ffff}x'])
    assert.deepEqual(await withPrefix('b', true), ['b\u{10ffff}x', 'b\u{10ffff}', 'bb', 'ba', 'b'])
    assert.deepEqual(await withPrefix('b\u{10ffff}'), ['b\u{10ffff}', 'b\u{10ffff}x'])
    assert.deepEqual(await withPrefix('x'), [])
    assert.equal((await withPrefix('')).length, letters.length + 2)
  },
  'the item at or before a bound is the first of a descending query': async (table) => {
    const pk = await fill(table, ['010', '020', '030'])
    const floor = (to: string) => sortKeysOf(table, { pk, to, descending: true, limit: 1 })
    assert.deepEqual(await floor('025'), ['020'])
    assert.deepEqual(await floor('020'), ['020'])
    assert.deepEqual(await floor('009'), [])
  },
  'pages follow one another without a gap or a repetition, both ways and within bounds': async (table) => {
    const sortKeys = Array.from({ length: 23 }, (_, index) => `k${String(index).padStart(2, '0')}`)
    const pk = await fill(table, sortKeys)
    const queries: [Partial<Query>, string[]][] = [
      [{}, sortKeys],
      [{ prefix: 'k1' }, sortKeys.slice(10, 20)],
      [{ from: 'k03', to: 'k17' }, sortKeys.slice(3, 18)],
    ]
    for (const [bounds, expected] of queries) {
      for (const limit of [1, 5, 23, 24]) {
        const pages = await readAll(table, { pk, limit, ...bounds })
        assert.deepEqual(pages.flat(), expected)
        assert.ok(pages.every((page) => page.length <= limit))
        const reversed = await readAll(table, { pk, limit, ...bounds, descending: true })
        assert.deepEqual(reversed.flat(), expected.toReversed())
      }
    }
  },
  'a page that its limit ended names the last item it read': async (table) => {
    const pk = await fill(table, letters)
    assert.equal((await table.query({ pk, limit: 2 })).next, 'b')
    assert.equal((await table.query({ pk, limit: 100 })).next, undefined)
  },
  'a page has at most 1 MB': async (table) => {
    const pk = newPk()
    const sortKeys = ['1', '2', '3', '4', '5', '6', '7']
    for (const sk of sortKeys) {
      await table.write({ kind: 'put', key: { pk, sk }, attributes: { bytes: new Uint8Array(300_000) } })
    }
    for (const descending of [false, true]) {
      const pages = await readAll(table, { pk, limit: 100, descending })
      assert.deepEqual(pages.flat(), descending ? sortKeys.toReversed() : sortKeys)
      assert.ok(pages.every((page) => page.length <= 4) && pages.length >= 2)
    }
  },
  'a limit of nothing, and a prefix with bounds, are mistakes': async (table) => {
    const pk = newPk()
    await assert.rejects(table.query({ pk, limit: 0 }), /broken invariant/)
    await assert.rejects(table.query({ pk: '', limit: 1 }), /broken invariant/)
    await assert.rejects(table.query({ pk, prefix: 'a', from: 'a', limit: 1 }), /broken invariant/)
  },
  'a query sees what was written and deleted before it': async (table) => {
    const pk = await fill(table, letters)
    await table.write({ kind: 'delete', key: { pk, sk: 'ba' } })
    await table.write({ kind: 'put', key: { pk, sk: 'bc' }, attributes: {} })
    assert.deepEqual(await sortKeysOf(table, { pk, limit: 100 }), ['a', 'b', 'bb', 'bc', 'c', 'd'])
  },
}
