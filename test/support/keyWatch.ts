// The ports, watched: which keys and names each call touches, and all that is stored.

import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Item, Table } from '../../shared/ports/table.ts'

/** A partition of the table, or the name of an object (or of several: a prefix). */
export interface Touched {
  readonly kind: 'table' | 'object'
  readonly name: string
}

interface Ports {
  readonly table: Table
  readonly objects: ObjectStore
}

export function watchKeys({ table, objects }: Ports, touch: (touched: Touched) => void = () => {}) {
  const partitions = new Set<string>()
  const names = new Set<string>()
  const inTable = (pk: string) => {
    touch({ kind: 'table', name: pk })
    partitions.add(pk)
  }
  const inObjects = (name: string) => {
    touch({ kind: 'object', name })
    names.add(name)
  }
  return {
    table: watchTable(table, inTable),
    objects: watchObjects(objects, inObjects),
    /** Every item, by partition, and every object with its bytes. */
    async dump(): Promise<Dump> {
      const items = await Promise.all([...partitions].sort().map((pk) => readPartition(table, pk)))
      const stored = [...names].sort().map(async (name): Promise<Dump['objects'][number] | undefined> => {
        const bytes = name.endsWith('/') ? undefined : await objects.getRange(name, 0, 1024 ** 2)
        return bytes && { name, bytes: Buffer.from(bytes).toString('base64') }
      })
      return {
        items: items.flat(),
        objects: (await Promise.all(stored)).filter((object) => object !== undefined),
      }
    },
  }
}

const watchTable = (table: Table, touch: (pk: string) => void): Table => ({
  get(key) {
    touch(key.pk)
    return table.get(key)
  },
  query(query) {
    touch(query.pk)
    return table.query(query)
  },
  write(write) {
    touch(write.key.pk)
    return table.write(write)
  },
  transact(writes) {
    for (const { key } of writes) touch(key.pk)
    return table.transact(writes)
  },
})

const watchObjects = (objects: ObjectStore, touch: (name: string) => void): ObjectStore => ({
  putIfAbsent(name, parts) {
    touch(name)
    return objects.putIfAbsent(name, parts)
  },
  getRange(name, start, length) {
    touch(name)
    return objects.getRange(name, start, length)
  },
  list(prefix, page) {
    touch(prefix)
    return objects.list(prefix, page)
  },
  delete(names) {
    for (const name of names) touch(name)
    return objects.delete(names)
  },
})

export interface Dump {
  readonly items: readonly Item[]
  readonly objects: readonly { readonly name: string; readonly bytes: string }[]
}

async function readPartition(table: Table, pk: string): Promise<readonly Item[]> {
  const items: Item[] = []
  for (let after: string | undefined; ; ) {
    const page = await table.query({ pk, limit: 1000, ...(after === undefined ? {} : { after }) })
    items.push(...page.items)
    if (page.next === undefined) return items
    after = page.next
  }
}
