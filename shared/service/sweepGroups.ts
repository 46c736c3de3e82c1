// Consumer groups as the collector finds them, in a process that serves none.

import { createCoordinator } from '../groups/coordinator.ts'
import { sweepGroups } from '../groups/sweepGroups.ts'
import type { LogDeps } from '../log/deps.ts'
import type { Catalog } from '../topics/catalog.ts'
import { createFindTopics } from './groupTopics.ts'
import { defaultClusterSettings } from './settings.ts'

/** offsets.retention.minutes: 10080 */
const offsetsRetentionMs = 7 * 24 * 3600_000

export function createGroupSweep(deps: LogDeps, catalog: Catalog): (isOver: () => boolean) => Promise<void> {
  // Of members that join; nobody joins here.
  const { groups, metadataMaxAgeMs } = defaultClusterSettings
  const findTopics = createFindTopics(catalog, deps.clock, metadataMaxAgeMs)
  const coordinator = createCoordinator({ ...deps, findTopics }, groups)
  const topicExists = async (name: string, topicId: string) => (await catalog.get(name))?.topicId === topicId
  return (isOver) =>
    sweepGroups({ ...deps, groups: coordinator, topicExists }, { offsetsRetentionMs, isOver })
}
