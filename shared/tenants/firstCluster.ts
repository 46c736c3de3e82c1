// The cluster that a deployment begins with, in the organisation that is meant where nobody says another.

import type { ClusterRegistry } from './clusters.ts'
import { defaultOrganisationId, type Organisations } from './organisations.ts'

interface Deps {
  readonly organisations: Pick<Organisations, 'get' | 'create'>
  readonly clusters: Pick<ClusterRegistry, 'get' | 'create'>
}

/** Makes what of them is not there. */
export async function makeFirstCluster({ organisations, clusters }: Deps, clusterId: string): Promise<void> {
  if ((await organisations.get(defaultOrganisationId)) === undefined) {
    await organisations.create('default', defaultOrganisationId)
  }
  if ((await clusters.get(clusterId)) !== undefined) return
  await clusters.create({ organisationId: defaultOrganisationId, name: clusterId }, clusterId)
}
