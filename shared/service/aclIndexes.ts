// The ACL bindings of clusters, as they are asked for, some seconds old at most, and as they are changed. A change is
// seen at once where it was made.

import { createScope } from '../metadata/scope.ts'
import { createRemembered, type Remembered } from '../ports/remembered.ts'
import type { Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import type { AclIndex } from '../security/acl.ts'
import { type AclStore, createAclStore } from '../security/aclStore.ts'
import type { Acls } from './cluster.ts'

interface Deps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
}

export interface AclIndexes {
  readonly acls: Remembered<AclIndex>
  readonly aclsOf: (clusterId: string) => Acls
}

const maxAgeMs = 4000
const clustersRemembered = 1000

export function createAclIndexes(deps: Deps): AclIndexes {
  const settings = { clock: deps.clock, maxAgeMs, entriesMax: clustersRemembered }
  const stores = createRemembered({ ...settings, maxAgeMs: Number.POSITIVE_INFINITY }, async (clusterId) =>
    createAclStore({ ...deps, scope: createScope(clusterId) }),
  )
  const acls = createRemembered(settings, async (clusterId) => (await stores.get(clusterId)).index())
  const aclsOf = (clusterId: string): Acls => {
    const changed = async <T>(change: (store: AclStore) => Promise<T>): Promise<T> => {
      const done = await change(await stores.get(clusterId))
      acls.forget(clusterId)
      return done
    }
    return {
      list: async (filter) => (await stores.get(clusterId)).list(filter),
      create: (bindings) => changed((store) => store.create(bindings)),
      delete: (filter) => changed((store) => store.delete(filter)),
    }
  }
  return { acls, aclsOf }
}
