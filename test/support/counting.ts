// The ports with their calls counted, for tests that hold the number of requests an operation costs.

import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Table } from '../../shared/ports/table.ts'

export interface Calls {
  readonly puts: number
  readonly objectReads: number
  readonly tableReads: number
  readonly tableWrites: number
}

export function countCalls(ports: { readonly objects: ObjectStore; readonly table: Table }) {
  const calls = { puts: 0, objectReads: 0, tableReads: 0, tableWrites: 0 }
  const count = <A extends unknown[], R>(name: keyof Calls, call: (...args: A) => R) => {
    return (...args: A): R => {
      calls[name]++
      return call(...args)
    }
  }
  const { objects, table } = ports
  return {
    objects: {
      putIfAbsent: count('puts', objects.putIfAbsent),
      getRange: count('objectReads', objects.getRange),
      list: count('objectReads', objects.list),
      delete: objects.delete,
    } satisfies ObjectStore,
    table: {
      get: count('tableReads', table.get),
      query: count('tableReads', table.query),
      write: count('tableWrites', table.write),
      transact: count('tableWrites', table.transact),
    } satisfies Table,
    /** What `work` cost. */
    async during(work: () => Promise<unknown>): Promise<Calls> {
      const before = { ...calls }
      await work()
      return {
        puts: calls.puts - before.puts,
        objectReads: calls.objectReads - before.objectReads,
        tableReads: calls.tableReads - before.tableReads,
        tableWrites: calls.tableWrites - before.tableWrites,
      }
    },
  }
}
