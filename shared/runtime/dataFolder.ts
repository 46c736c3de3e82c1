// The data folder of a stopped local server, for commands: opened under the server's own lock, never made.

import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { createScope } from '../metadata/scope.ts'
import { type EmbeddedStorage, openEmbeddedStorage } from '../storage/embedded/open.ts'
import { systemClock, systemRandom } from './clock.ts'
import { logFailure } from './logger.ts'

/** The one cluster of a local server without security, and the first one with it. */
export const clusterId = 'local'

/** Opens the folder, lets `work` use it, and closes it whatever happens. */
export async function withDataFolder<T>(
  folder: string,
  clusterId: string,
  work: (deps: ReturnType<typeof depsOn>) => Promise<T>,
): Promise<T> {
  const isThere = await access(join(folder, 'FORMAT')).then(
    () => true,
    () => false,
  )
  if (!isThere)
    throw new Error(`There is no data of a Millrace server in ${folder}: name its folder with --data.`)
  const storage = await openEmbeddedStorage(folder)
  try {
    return await work(depsOn(storage, clusterId))
  } finally {
    await storage.close()
  }
}

const depsOn = ({ objects, table }: EmbeddedStorage, clusterId: string) => ({
  objects,
  table,
  clock: systemClock,
  random: systemRandom,
  scope: createScope(clusterId),
  reportBackgroundFailure: (error: unknown) => logFailure('background work failed', error),
})
