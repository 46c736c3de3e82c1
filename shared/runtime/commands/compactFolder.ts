// A topic's compaction on the data folder of a stopped server.

import { createCompactor, defaultCompactionSettings } from '../../service/compactor.ts'
import { createCatalog } from '../../topics/catalog.ts'
import { withDataFolder } from '../dataFolder.ts'
import type { TopicCompaction } from './compact.ts'

export async function compactFolder(
  folder: string,
  topicName: string,
  work: (compaction: TopicCompaction) => Promise<number>,
): Promise<number> {
  try {
    return await withDataFolder(folder, async (deps) => {
      const topic = await createCatalog(deps).get(topicName)
      if (!topic) throw new Error(`There is no topic '${topicName}' in ${folder}.`)
      const compactor = createCompactor(
        // What stops a partition is in the report.
        { ...deps, reportBackgroundFailure: () => undefined },
        defaultCompactionSettings,
      )
      return work(compactionOf(compactor, topicName))
    })
  } catch (error) {
    if (!(error instanceof Error && /is in use by another Millrace process/.test(error.message))) throw error
    throw new Error(`${error.message}: compact it through that server, with --url http://127.0.0.1:8082.`)
  }
}

function compactionOf(compactor: ReturnType<typeof createCompactor>, topicName: string): TopicCompaction {
  const { report } = compactor
  return {
    preview: () => compactor.preview(topicName),
    run: async () => {
      await compactor.run({ topicName, deadlineMs: Number.POSITIVE_INFINITY })
    },
    report: async () => ({
      counters: { ...report.counters },
      uncleanable: [...report.uncleanable].map(([topicPartition, reason]) => ({ topicPartition, reason })),
    }),
  }
}
