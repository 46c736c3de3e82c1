// A topic's compaction by this process, on a data folder or on AWS.

import { createCompactor, defaultCompactionSettings } from '../../service/compactor.ts'
import { createCatalog } from '../../topics/catalog.ts'
import type { TopicCompaction } from './compact.ts'
import { type Place, renderPlace } from './place.ts'
import { atPlace } from './server.ts'

export async function compactHere(
  given: Place,
  topicName: string,
  work: (compaction: TopicCompaction) => Promise<number>,
): Promise<number> {
  return atPlace(given, async (deps, place) => {
    const topic = await createCatalog(deps).get(topicName)
    if (!topic) throw new Error(`There is no topic '${topicName}' in ${renderPlace(place)}.`)
    const compactor = createCompactor(
      // What stops a partition is in the report.
      { ...deps, reportBackgroundFailure: () => undefined },
      defaultCompactionSettings,
    )
    return work(compactionOf(compactor, topicName))
  })
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
