// What every adapter of the table port does alike: transactions.
import assert from 'node:assert/strict'
import type { Attributes, ItemKey, Table, TransactWrite } from '../../shared/ports/table.ts'
import { assertSame, type Cases } from './suite.ts'

let partitions = 0
const newPk = (): string => {
  partitions += 1
  return `transact-${partitions}`
}

const put = (key: ItemKey, attributes: Attributes): TransactWrite => ({ kind: 'put', key, attributes })

/** The attributes of the items "a" to "d" of a pk. */
const read = async (table: Table, pk: string): Promise<(Attributes | undefined)[]> => {
  const items = await Promise.all(['a', 'b', 'c', 'd'].map((sk) => table.get({ pk, sk })))
  return items.map((item) => item?.attributes)
}

export const transactCases: Cases<Table> = {
  'a transaction applies every kind of write': async (table) => {
    const pk = newPk()
    await table.write({ kind: 'put', key: { pk, sk: 'b' }, attributes: { n: 1 } })
    await table.write({ kind: 'put', key: { pk, sk: 'c' }, attributes: { n: 1 } })
    await table.write({ kind: 'put', key: { pk, sk: 'd' }, attributes: { n: 1 } })
    const outcome = await table.transact([
      { kind: 'put', key: { pk, sk: 'a' }, attributes: { n: 9 }, when: [{ kind: 'itemAbsent' }] },
      { kind: 'update', key: { pk, sk: 'b' }, actions: [{ kind: 'add', attribute: 'n', value: 1 }] },
      { kind: 'delete', key: { pk, sk: 'c' }, when: [{ kind: 'itemExists' }] },
      { kind: 'check', key: { pk, sk: 'd' }, when: [{ kind: 'equals', attribute: 'n', value: 1 }] },
    ])
    assertSame(outcome, { ok: true })
    assertSame(await read(table, pk), [{ n: 9 }, { n: 2 }, undefined, { n: 1 }])
  },
  'a transaction with a false condition changes nothing and names every write that refused': async (
    table,
  ) => {
    const pk = newPk()
    const d = { key: { pk, sk: 'd' }, attributes: { n: 1 } }
    await table.write({ kind: 'put', ...d })
    const outcome = await table.transact([
      put({ pk, sk: 'a' }, { n: 1 }),
      { kind: 'check', key: { pk, sk: 'b' }, when: [{ kind: 'itemExists' }] },
      put({ pk, sk: 'c' }, { n: 1 }),
      { kind: 'delete', key: d.key, when: [{ kind: 'itemAbsent' }] },
    ])
    const failed = [
      { index: 1, current: undefined },
      { index: 3, current: d },
    ]
    assertSame(outcome, { ok: false, failed })
    assertSame(await read(table, pk), [undefined, undefined, undefined, { n: 1 }])
  },
  'a check on an absent item creates none': async (table) => {
    const pk = newPk()
    const check: TransactWrite = { kind: 'check', key: { pk, sk: 'a' }, when: [{ kind: 'itemAbsent' }] }
    assertSame(await table.transact([check, put({ pk, sk: 'b' }, {})]), { ok: true })
    assertSame(await read(table, pk), [undefined, {}, undefined, undefined])
  },
  'of 50 concurrent transactions that need an absent item one wins': async (table) => {
    const pk = newPk()
    const racers = Array.from({ length: 50 }, (_, racer) =>
      table.transact([
        { kind: 'put', key: { pk, sk: 'a' }, attributes: { racer }, when: [{ kind: 'itemAbsent' }] },
        put({ pk, sk: 'b' }, { racer }),
      ]),
    )
    const winners = (await Promise.all(racers)).flatMap(({ ok }, racer) => (ok ? [racer] : []))
    assert.equal(winners.length, 1)
    const racer = winners[0] ?? -1
    assertSame(await read(table, pk), [{ racer }, { racer }, undefined, undefined])
  },
  'a transaction has at most 100 writes and names a key once': async (table) => {
    const pk = newPk()
    const writes = Array.from({ length: 101 }, (_, index) => put({ pk, sk: String(index) }, {}))
    await assert.rejects(table.transact(writes), /at most 100 writes/)
    await assert.rejects(table.transact([...writes.slice(0, 2), ...writes.slice(1, 2)]), /names a key once/)
    await assert.rejects(table.transact([]), /at least one write/)
    assertSame(await table.query({ pk, limit: 1 }), { items: [], next: undefined })
  },
  '100 writes are one transaction': async (table) => {
    const pk = newPk()
    const writes = Array.from({ length: 100 }, (_, index) => put({ pk, sk: String(index) }, {}))
    assertSame(await table.transact(writes), { ok: true })
    assert.equal((await table.query({ pk, limit: 200 })).items.length, 100)
  },
  'a transaction has at most 4 MB': async (table) => {
    const pk = newPk()
    const writes = Array.from({ length: 11 }, (_, index) =>
      put({ pk, sk: String(index) }, { bytes: new Uint8Array(400_000) }),
    )
    await assert.rejects(table.transact(writes))
    assertSame(await table.query({ pk, limit: 1 }), { items: [], next: undefined })
    assertSame(await table.transact(writes.slice(0, 10)), { ok: true })
  },
}
