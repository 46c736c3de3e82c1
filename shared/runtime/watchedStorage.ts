// The storage of one machine as it is, with its failures told to the operator: clients are answered that the storage
// does not answer, and only the log says that the disk is full. At most one line a minute, because a full disk may be
// the one that the log is on.

import { StorageError } from '../base/errors.ts'
import type { ObjectStore } from '../ports/objectStore.ts'
import type { Table } from '../ports/table.ts'
import type { Clock } from '../ports/world.ts'

export interface Storage {
  readonly objects: ObjectStore
  readonly table: Table
}

export interface StorageWatch {
  readonly clock: Pick<Clock, 'now'>
  /** `untold`: how many failures there were since the one before. */
  readonly report: (error: StorageError, untold: number) => void
}

const reportIntervalMs = 60_000

export function watchStorage({ objects, table }: Storage, { clock, report }: StorageWatch): Storage {
  let quietUntilMs = 0
  let untold = 0

  const note = (error: unknown): never => {
    if (!(error instanceof StorageError)) throw error
    if (clock.now() < quietUntilMs) {
      untold++
      throw error
    }
    quietUntilMs = clock.now() + reportIntervalMs
    report(error, untold)
    untold = 0
    throw error
  }
  const watched =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      call(...args).catch(note)

  return {
    objects: {
      putIfAbsent: watched(objects.putIfAbsent),
      getRange: watched(objects.getRange),
      list: watched(objects.list),
      delete: watched(objects.delete),
    },
    table: {
      get: watched(table.get),
      query: watched(table.query),
      write: watched(table.write),
      transact: watched(table.transact),
    },
  }
}
