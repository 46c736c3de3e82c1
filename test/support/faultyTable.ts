// A table whose answers get lost: a write or transaction is carried out, or is not, and the caller hears neither.
import { StorageError } from '../../shared/base/errors.ts'
import type { Table, TransactWrite, Write } from '../../shared/ports/table.ts'

/**
 * 'lost': carried out, and the answer is lost. 'dropped': never carried out, and nobody knows. 'refused': known to have
 * had no effect.
 */
export type Fault = 'lost' | 'dropped' | 'refused'

export function withFaults(
  table: Table,
  choose: (writes: readonly TransactWrite[]) => Fault | undefined,
): Table {
  const hit = async <T>(writes: readonly TransactWrite[], call: () => Promise<T>): Promise<T> => {
    const fault = choose(writes)
    if (fault === undefined) return call()
    if (fault === 'refused') throw new StorageError('none', 'throttled', { throttled: true })
    if (fault === 'lost') await call()
    throw new StorageError('unknown', 'the answer was lost')
  }
  return {
    get: table.get,
    query: table.query,
    write: (write: Write) => hit([write], () => table.write(write)),
    transact: (writes) => hit(writes, () => table.transact(writes)),
  }
}

/** A commit: the write that appends to a sequencer's tail. */
export const isCommit = ([write]: readonly TransactWrite[]): boolean =>
  write?.kind === 'update' && write.actions.some(({ kind }) => kind === 'append')

/** A spill's last write: takes entries off a sequencer's tail. */
export const isSpill = ([write]: readonly TransactWrite[]): boolean =>
  write?.kind === 'update' && write.actions.some(({ kind }) => kind === 'removeFirst')
