// A walk through everything that a running server has stored, carried out by that server.

import { z } from 'zod'
import type { VerifyListener, VerifySummary } from '../../compaction/verify.ts'
import { askLines, type InCluster, type ServerPlace } from './server.ts'

const count = z.number()
const lineSchema = z.object({
  finding: z
    .object({ kind: z.enum(['dangling', 'overlap', 'hole', 'orphan']), place: z.string(), what: z.string() })
    .optional(),
  progress: z.object({ partitions_done: count, partitions: count }).optional(),
  summary: z
    .object({
      topics: count,
      partitions: count,
      segments: count,
      extents: count,
      bytes: count,
      objects: count,
      inline_items: count,
      retired: count,
      unfinished: z.boolean(),
      findings: z.object({ dangling: count, overlap: count, hole: count, orphan: count }),
    })
    .optional(),
  error: z.object({ message: z.string() }).optional(),
})

export async function verifyServer(
  server: InCluster<ServerPlace>,
  listener: VerifyListener,
): Promise<VerifySummary> {
  for await (const line of askLines(server, 'compaction:verify', { method: 'POST' })) {
    const { finding, progress, summary, error } = lineSchema.parse(line)
    if (finding) listener.finding(finding)
    if (progress) listener.progress(progress.partitions_done, progress.partitions)
    if (error) throw new Error(error.message)
    if (!summary) continue
    const { inline_items: inlineItems, ...others } = summary
    return { ...others, inlineItems }
  }
  throw new Error(`The answer of ${server.url} ends before its summary.`)
}
