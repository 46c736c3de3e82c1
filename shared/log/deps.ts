// What the log of one tenant works with.

import type { Scope } from '../metadata/scope.ts'
import type { ObjectStore } from '../ports/objectStore.ts'
import type { Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'

export interface LogDeps {
  readonly objects: ObjectStore
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Scope
  /** A tenant's own KMS key, where it has one; absent where nothing is encrypted under such keys. */
  readonly tenantKeyOf?: (tenantId: string) => Promise<string | undefined>
  /** A failure in work that no request waits for and that the next writer does again. */
  readonly reportBackgroundFailure: (error: unknown) => void
}
