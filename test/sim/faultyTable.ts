// The table as one process sees it: every call travels by courier.
import type { Item, ItemKey, Table, TransactWrite, Write, WriteOutcome } from '../../shared/ports/table.ts'
import { type Courier, carry } from './courier.ts'
import type { CallKind } from './faults.ts'

export function createFaultyTable(table: Table, courier: Courier): Table {
  const lost = createLostCommits(courier)
  return {
    get: (key) =>
      carry(courier, {
        kind: kindOf(key),
        isWrite: false,
        label: `get ${nameOf(key)}`,
        apply: () => table.get(key),
        describe: (item) => {
          lost.look(item)
          return item ? 'item' : 'nothing'
        },
      }),
    query: (query) =>
      carry(courier, {
        kind: 'index',
        isWrite: false,
        label: `query ${query.pk} ${query.from ?? ''}${query.descending ? ' descending' : ''}`,
        apply: () => table.query(query),
        describe: ({ items }) => `${items.length} items`,
      }),
    write: (write) =>
      carry(courier, {
        kind: kindOf(write.key),
        isWrite: true,
        label: `${write.kind} ${nameOf(write.key)}`,
        apply: () => table.write(write),
        describe: (outcome) => {
          if (!outcome.ok) lost.look(outcome.current)
          return describeWrite(outcome)
        },
        lost: () => lost.add(write),
      }),
    transact: (writes) =>
      carry(courier, {
        kind: kindOf(writes[0]?.key ?? { pk: '', sk: '' }),
        isWrite: true,
        label: `transact ${writes.map(describeTransactWrite).join(', ')}`,
        apply: () => table.transact(writes),
        describe: (outcome) =>
          outcome.ok ? 'ok' : `refused by ${outcome.failed.map((f) => f.index).join()}`,
      }),
  }
}

const nameOf = ({ pk, sk }: ItemKey): string => `${pk} ${sk}`

const describeTransactWrite = (write: TransactWrite): string => `${write.kind} ${nameOf(write.key)}`

function describeWrite(outcome: WriteOutcome): string {
  if (!outcome.ok) return outcome.current ? 'refused' : 'refused, no item'
  const next = Object.entries(outcome.updated).filter(([name]) => /^n\d/.test(name))
  return `ok ${next.map(([name, value]) => `${name}=${value}`).join(' ')}`
}

function kindOf({ pk, sk }: ItemKey): CallKind {
  if (sk === 'sequencer') return 'sequencer'
  if (sk.startsWith('index/')) return 'index'
  if (sk.startsWith('producer/') || pk.endsWith('/producers')) return 'producer'
  return pk.includes('/inline/') ? 'inline' : 'topic'
}

/** Commits whose answers were lost, until their process sees them in a tail. */
function createLostCommits({ counters }: Courier) {
  const entries = new Map<string, Set<string>>()
  return {
    add(write: Write) {
      const entry = entryOf(write)
      if (!entry) return
      const ofKey = entries.get(write.key.pk) ?? new Set()
      entries.set(write.key.pk, ofKey.add(entry))
    },
    look(item: Item | undefined) {
      const sought = item && entries.get(item.key.pk)
      const tail = item?.attributes.tail
      if (!sought || sought.size === 0 || !Array.isArray(tail)) return
      for (const entry of tail) {
        if (sought.delete(entryName(entry))) counters.count('unknownResolved')
      }
    },
  }
}

function entryOf(write: Write): string | undefined {
  if (write.kind !== 'update') return undefined
  const append = write.actions.find((action) => action.kind === 'append')
  return append && entryName(append.values[0])
}

const entryName = (entry: unknown): string =>
  entry instanceof Uint8Array ? Buffer.from(entry).toString('latin1') : ''
