// What every adapter of the table port does alike: writes and their conditions and actions.
// Reads are in tableQuery.contract.ts.
import assert from 'node:assert/strict'
import type { Action, Attributes, Condition, ItemKey, Table, Write } from '../../shared/ports/table.ts'
import { type Adapter, assertSame, type Cases, describeContract } from './suite.ts'
import { queryCases } from './tableQuery.contract.ts'
import { transactCases } from './tableTransact.contract.ts'

export const describeTable = (name: string, adapter: Adapter<Table>): void =>
  describeContract(name, adapter, { ...writeCases, ...transactCases, ...queryCases })

let keys = 0
const newKey = (): ItemKey => {
  keys += 1
  return { pk: `write-${keys}`, sk: 'item' }
}

const put = (table: Table, key: ItemKey, attributes: Attributes) =>
  table.write({ kind: 'put', key, attributes })

const update = (table: Table, key: ItemKey, ...actions: Action[]) =>
  table.write({ kind: 'update', key, actions })

const attributesOf = async (table: Table, key: ItemKey): Promise<Attributes | undefined> =>
  (await table.get(key))?.attributes

/**
 * Whether a write under this condition goes through, and that a refusal changes nothing and carries the item.
 */
const passes = async (table: Table, attributes: Attributes | undefined, condition: Condition) => {
  const key = newKey()
  if (attributes !== undefined) await put(table, key, attributes)
  const writes: Write[] = [
    { kind: 'update', key, actions: [{ kind: 'set', attribute: 'touched', value: 1 }], when: [condition] },
    { kind: 'put', key, attributes: { replaced: 1 }, when: [condition] },
    { kind: 'delete', key, when: [condition] },
  ]
  const results: boolean[] = []
  for (const write of writes) {
    const outcome = await table.write(write)
    results.push(outcome.ok)
    const current = attributes === undefined ? undefined : { key, attributes }
    if (!outcome.ok) assertSame(outcome.current, current)
    if (!outcome.ok) assertSame(await table.get(key), current)
    if (attributes !== undefined) await put(table, key, attributes)
    else await table.write({ kind: 'delete', key })
  }
  assert.equal(new Set(results).size, 1, 'the condition means the same for update, put and delete')
  return results[0]
}

const item: Attributes = {
  name: 'orders',
  count: 7,
  bytes: Uint8Array.of(1, 2, 255),
  list: ['first', 'second'],
  emptyList: [],
}

const conditionCase =
  (...expectations: [Condition, boolean, boolean][]) =>
  async (table: Table): Promise<void> => {
    for (const [condition, onItem, onNothing] of expectations) {
      assert.equal(await passes(table, item, condition), onItem, JSON.stringify(condition))
      assert.equal(
        await passes(table, undefined, condition),
        onNothing,
        `no item: ${JSON.stringify(condition)}`,
      )
    }
  }

const writeCases: Cases<Table> = {
  'itemExists and itemAbsent tell whether there is an item': conditionCase(
    [{ kind: 'itemExists' }, true, false],
    [{ kind: 'itemAbsent' }, false, true],
  ),
  'exists and absent tell whether an item has an attribute': conditionCase(
    [{ kind: 'exists', attribute: 'name' }, true, false],
    [{ kind: 'exists', attribute: 'emptyList' }, true, false],
    [{ kind: 'exists', attribute: 'constructor' }, false, false],
    [{ kind: 'absent', attribute: 'name' }, false, true],
    [{ kind: 'absent', attribute: 'other' }, true, true],
  ),
  'equals compares strings, numbers and bytes, and never across kinds': conditionCase(
    [{ kind: 'equals', attribute: 'name', value: 'orders' }, true, false],
    [{ kind: 'equals', attribute: 'name', value: 'order' }, false, false],
    [{ kind: 'equals', attribute: 'count', value: 7 }, true, false],
    [{ kind: 'equals', attribute: 'count', value: '7' }, false, false],
    [{ kind: 'equals', attribute: 'bytes', value: Uint8Array.of(1, 2, 255) }, true, false],
    [{ kind: 'equals', attribute: 'bytes', value: Uint8Array.of(1, 2) }, false, false],
    [{ kind: 'equals', attribute: 'other', value: 0 }, false, false],
  ),
  'beginsWith compares the beginning of strings and bytes': conditionCase(
    [{ kind: 'beginsWith', attribute: 'name', value: 'ord' }, true, false],
    [{ kind: 'beginsWith', attribute: 'name', value: 'rd' }, false, false],
    [{ kind: 'beginsWith', attribute: 'name', value: 'orders2' }, false, false],
    [{ kind: 'beginsWith', attribute: 'bytes', value: Uint8Array.of(1, 2) }, true, false],
    [{ kind: 'beginsWith', attribute: 'bytes', value: Uint8Array.of(2) }, false, false],
    [{ kind: 'beginsWith', attribute: 'bytes', value: '\u0001' }, false, false],
    [{ kind: 'beginsWith', attribute: 'other', value: 'o' }, false, false],
  ),
  'beginsWith compares bytes that are no text': conditionCase([
    { kind: 'beginsWith', attribute: 'bytes', value: Uint8Array.of(1, 2, 254) },
    false,
    false,
  ]),
  'below and atLeast compare numbers, and are false for whatever else': conditionCase(
    [{ kind: 'below', attribute: 'count', value: 8 }, true, false],
    [{ kind: 'below', attribute: 'count', value: 7 }, false, false],
    [{ kind: 'atLeast', attribute: 'count', value: 7 }, true, false],
    [{ kind: 'atLeast', attribute: 'count', value: 8 }, false, false],
    [{ kind: 'below', attribute: 'other', value: 8 }, false, false],
    [{ kind: 'atLeast', attribute: 'other', value: -8 }, false, false],
    [{ kind: 'below', attribute: 'name', value: 8 }, false, false],
    [{ kind: 'atLeast', attribute: 'name', value: -8 }, false, false],
  ),
  'firstEquals compares the first element of a list': conditionCase(
    [{ kind: 'firstEquals', attribute: 'list', value: 'first' }, true, false],
    [{ kind: 'firstEquals', attribute: 'list', value: 'second' }, false, false],
    [{ kind: 'firstEquals', attribute: 'emptyList', value: 'first' }, false, false],
    [{ kind: 'firstEquals', attribute: 'other', value: 'first' }, false, false],
  ),
  'lengthBelow compares the length of a list': conditionCase(
    [{ kind: 'lengthBelow', attribute: 'list', value: 3 }, true, false],
    [{ kind: 'lengthBelow', attribute: 'list', value: 2 }, false, false],
    [{ kind: 'lengthBelow', attribute: 'emptyList', value: 1 }, true, false],
    [{ kind: 'lengthBelow', attribute: 'other', value: 1 }, false, false],
  ),
  'all conditions of a write must hold': async (table) => {
    const key = newKey()
    await put(table, key, { a: 1, b: 2 })
    const when = (b: number): Condition[] => [
      { kind: 'equals', attribute: 'a', value: 1 },
      { kind: 'equals', attribute: 'b', value: b },
    ]
    assert.equal((await table.write({ kind: 'delete', key, when: when(3) })).ok, false)
    assert.equal((await table.write({ kind: 'delete', key, when: when(2) })).ok, true)
    assert.equal(await table.get(key), undefined)
  },

  'put replaces the whole item': async (table) => {
    const key = newKey()
    assertSame(await put(table, key, item), { ok: true, updated: {} })
    assertSame(await table.get(key), { key, attributes: item })
    await put(table, key, { other: 'value' })
    assertSame(await attributesOf(table, key), { other: 'value' })
  },
  'an item may have no attributes': async (table) => {
    const key = newKey()
    await put(table, key, {})
    assertSame(await table.get(key), { key, attributes: {} })
  },
  'delete removes an item, and an absent one is no error': async (table) => {
    const key = newKey()
    await put(table, key, item)
    assertSame(await table.write({ kind: 'delete', key }), { ok: true, updated: {} })
    assert.equal(await table.get(key), undefined)
    assertSame(await table.write({ kind: 'delete', key }), { ok: true, updated: {} })
  },
  'set, add, append, removeFirst and remove change their attributes and no others': async (table) => {
    const key = newKey()
    await put(table, key, { ...item, list: [1, 2, 3, 4] })
    const outcome = await update(
      table,
      key,
      { kind: 'set', attribute: 'name', value: ['payments'] },
      { kind: 'add', attribute: 'count', value: -10 },
      { kind: 'append', attribute: 'emptyList', values: ['a', 5] },
      { kind: 'removeFirst', attribute: 'list', count: 2 },
      { kind: 'remove', attribute: 'bytes' },
    )
    const updated = { name: ['payments'], count: -3, emptyList: ['a', 5], list: [3, 4] }
    assertSame(outcome, { ok: true, updated })
    assertSame(await attributesOf(table, key), updated)
  },
  'updated holds the attributes that the update named, and no others': async (table) => {
    const key = newKey()
    await put(table, key, { count: 1, other: 2, list: [1, 2] })
    const added = await update(table, key, { kind: 'add', attribute: 'count', value: 1 })
    assertSame(added, { ok: true, updated: { count: 2 } })
    const shortened = await update(table, key, { kind: 'removeFirst', attribute: 'list', count: 1 })
    assertSame(shortened, { ok: true, updated: { list: [2] } })
    const removed = await update(table, key, { kind: 'remove', attribute: 'other' })
    assertSame(removed, { ok: true, updated: {} })
  },
  'an update creates the item, with absent attributes counted as 0 and as an empty list': async (table) => {
    const key = newKey()
    const outcome = await update(
      table,
      key,
      { kind: 'set', attribute: 'name', value: 'orders' },
      { kind: 'add', attribute: 'count', value: 3 },
      { kind: 'append', attribute: 'list', values: [Uint8Array.of(0)] },
      { kind: 'append', attribute: 'none', values: [] },
    )
    const updated = { name: 'orders', count: 3, list: [Uint8Array.of(0)], none: [] }
    assertSame(outcome, { ok: true, updated })
    assertSame(await attributesOf(table, key), updated)
  },
  'an update that only removes creates no item': async (table) => {
    const key = newKey()
    assertSame(await update(table, key, { kind: 'remove', attribute: 'name' }), { ok: true, updated: {} })
    assert.equal(await table.get(key), undefined)
  },
  'removeFirst of all elements or more leaves an empty list': async (table) => {
    for (const count of [3, 4, 200]) {
      const key = newKey()
      await put(table, key, { list: [1, 2, 3] })
      const outcome = await update(table, key, { kind: 'removeFirst', attribute: 'list', count })
      assertSame(outcome, { ok: true, updated: { list: [] } })
      assertSame(await attributesOf(table, key), { list: [] })
    }
  },
  'an action on a value of another kind is an error and changes nothing': async (table) => {
    const key = newKey()
    await put(table, key, item)
    const wrong: Action[] = [
      { kind: 'add', attribute: 'name', value: 1 },
      { kind: 'append', attribute: 'name', values: ['x'] },
      { kind: 'removeFirst', attribute: 'name', count: 1 },
      { kind: 'removeFirst', attribute: 'other', count: 1 },
    ]
    for (const action of wrong) {
      const both = update(table, key, { kind: 'set', attribute: 'touched', value: 1 }, action)
      await assert.rejects(both, JSON.stringify(action))
    }
    assertSame(await attributesOf(table, key), item)
  },
  'numbers keep their value from one end of the safe integers to the other': async (table) => {
    const key = newKey()
    const numbers = [0, -1, 1, 10, 100, 123_000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
    await put(table, key, { numbers })
    assertSame(await attributesOf(table, key), { numbers })
    for (const value of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await assert.rejects(put(table, key, { value }), /safe integers/)
    }
  },
  'text and bytes of every value are kept, and empty ones': async (table) => {
    const key = newKey()
    const bytes = Uint8Array.from({ length: 256 }, (_, value) => value)
    const attributes = {
      bytes,
      noBytes: new Uint8Array(),
      text: 'añ€😀\u0000\n"',
      noText: '',
      mixed: ['', bytes, -1],
    }
    await put(table, key, attributes)
    assertSame(await attributesOf(table, key), attributes)
  },
  'bytes that are a part of a larger buffer are stored alone': async (table) => {
    const key = newKey()
    const bytes = Buffer.from('xxpartxx').subarray(2, 6)
    await put(table, key, { bytes })
    assertSame(await attributesOf(table, key), { bytes: Uint8Array.from(Buffer.from('part')) })
  },
  'a list that its caller changes afterwards is stored as it was': async (table) => {
    const key = newKey()
    const list = ['a']
    await put(table, key, { list })
    list.push('b')
    assertSame(await attributesOf(table, key), { list: ['a'] })
  },
  'names are any text, also those that DynamoDB reserves or JavaScript knows': async (table) => {
    const key = newKey()
    const attributes = { name: 'a', size: 1, 'next.p-1#é': 2, constructor: 3, toString: 4 }
    await put(table, key, attributes)
    const outcome = await update(table, key, { kind: 'add', attribute: 'next.p-1#é', value: 1 })
    assertSame(outcome, { ok: true, updated: { 'next.p-1#é': 3 } })
    assertSame(await attributesOf(table, key), { ...attributes, 'next.p-1#é': 3 })
  },
  'an item has at most 400 KB, by put and by update': async (table) => {
    const key = newKey()
    const overhead = Buffer.byteLength(`pk${key.pk}sk${key.sk}bytes`)
    const largest = { bytes: new Uint8Array(400 * 1024 - overhead) }
    await put(table, key, largest)
    await assert.rejects(put(table, key, { bytes: new Uint8Array(400 * 1024 - overhead + 1) }))
    await assert.rejects(update(table, key, { kind: 'set', attribute: 'more', value: 1 }))
    assertSame(await attributesOf(table, key), largest)
  },
  'keys are not empty and have at most 2048 and 1024 bytes': async (table) => {
    const longest = { pk: 'p'.repeat(2048), sk: 's'.repeat(1024) }
    await put(table, longest, { a: 1 })
    assertSame(await attributesOf(table, longest), { a: 1 })
    const wrong = [
      { pk: '', sk: 's' },
      { pk: 'p', sk: '' },
      { pk: 'p'.repeat(2049), sk: 's' },
      { pk: 'p', sk: 'é'.repeat(513) },
    ]
    for (const key of wrong) {
      await assert.rejects(put(table, key, {}), /broken invariant/)
      await assert.rejects(table.get(key), /broken invariant/)
    }
  },
  'an update names an attribute once, and never the key': async (table) => {
    const key = newKey()
    const add: Action = { kind: 'add', attribute: 'count', value: 1 }
    await assert.rejects(update(table, key, add, add), /broken invariant/)
    await assert.rejects(update(table, key, { ...add, attribute: 'sk' }), /broken invariant/)
    await assert.rejects(update(table, key), /broken invariant/)
    assert.equal(await table.get(key), undefined)
  },

  'of 200 writers that need an absent item one wins, and the others see its item': async (table) => {
    const key = newKey()
    const racers = Array.from({ length: 200 }, (_, racer) =>
      table.write({ kind: 'put', key, attributes: { racer }, when: [{ kind: 'itemAbsent' }] }),
    )
    const outcomes = await Promise.all(racers)
    const winners = outcomes.flatMap(({ ok }, racer) => (ok ? [racer] : []))
    assert.equal(winners.length, 1)
    const current = { key, attributes: { racer: winners[0] ?? -1 } }
    for (const outcome of outcomes) if (!outcome.ok) assertSame(outcome.current, current)
    assertSame(await table.get(key), current)
  },
  '500 concurrent adds are all counted, each seeing its own sum': async (table) => {
    const key = newKey()
    const adds = Array.from({ length: 500 }, () =>
      update(table, key, { kind: 'add', attribute: 'n', value: 1 }),
    )
    const sums = (await Promise.all(adds)).map((outcome) => (outcome.ok ? Number(outcome.updated.n) : 0))
    assert.deepEqual(
      sums.toSorted((left, right) => left - right),
      Array.from({ length: 500 }, (_, index) => index + 1),
    )
    assertSame(await attributesOf(table, key), { n: 500 })
  },
  'a read after a write sees it': async (table) => {
    const key = newKey()
    for (let n = 1; n <= 20; n += 1) {
      await update(table, key, { kind: 'add', attribute: 'n', value: 1 })
      assertSame(await attributesOf(table, key), { n })
    }
  },
}
