// On one machine compaction shares the thread, and the writer of the table, with requests. A request is some steps with
// others between them, and compaction can wait: so where one came a moment ago, each call of compaction to the storage
// comes a millisecond later, and each of its turns is as long for the others as for it.

import type { ObjectStore } from '../ports/objectStore.ts'
import type { Table } from '../ports/table.ts'
import type { Clock } from '../ports/world.ts'

interface Ports {
  readonly table: Table
  readonly objects: ObjectStore
  readonly clock: Clock
}

export interface Quiet {
  noteRequest(): void
  /** The same ports, for whoever can wait. */
  waiting<T extends Ports>(ports: T): T
}

/** Most requests are answered by then. */
const momentMs = 5
const pauseMs = 1

export function createQuiet(clock: Clock): Quiet {
  let requestMs = Number.NEGATIVE_INFINITY
  const isBusy = (): boolean => Math.abs(clock.now() - requestMs) < momentMs
  const after = async <T>(call: () => Promise<T>): Promise<T> => {
    if (isBusy()) await clock.sleep(pauseMs)
    return call()
  }
  return {
    noteRequest() {
      requestMs = clock.now()
    },
    waiting(ports) {
      const { table, objects } = ports
      return {
        ...ports,
        table: {
          get: (key) => after(() => table.get(key)),
          query: (query) => after(() => table.query(query)),
          write: (write) => after(() => table.write(write)),
          transact: (writes) => after(() => table.transact(writes)),
        },
        objects: {
          putIfAbsent: (name, parts) => after(() => objects.putIfAbsent(name, parts)),
          getRange: (name, start, length) => after(() => objects.getRange(name, start, length)),
          list: (prefix, page) => after(() => objects.list(prefix, page)),
          delete: (names) => after(() => objects.delete(names)),
        },
        clock: {
          now: clock.now,
          sleep: (ms, signal) => clock.sleep(ms === 0 && isBusy() ? pauseMs : ms, signal),
        },
      }
    },
  }
}
