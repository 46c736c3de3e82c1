// Operator's routes: look through everything that is stored, and into one object of it. Both answers are lines of JSON,
// written while they come into being; a walk ends when its time is over or its caller has gone.

import { z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { dumpLines } from '../../compaction/dumpLines.ts'
import type { StoredLog } from '../../compaction/storedLog.ts'
import type { Finding, VerifySummary } from '../../compaction/verify.ts'
import type { Compaction } from '../../service/compaction.ts'
import { streamAnswer } from '../bodies/streamAnswer.ts'
import { findCompaction } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { errorBody, refusals } from '../errors.ts'
import { clusterParams, flag } from '../params.ts'
import { parseParams, parseQuery, type RawContext, registerRaw } from '../rawRoute.ts'
import { refuseUnexpected } from '../refuseUnexpected.ts'

const tags = ['Compaction']
const linesHeaders = { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' } as const
/** How often a walk says how far it is. */
const progressMs = 1000

const findingSchema = z.object({
  kind: z.enum(['dangling', 'overlap', 'hole', 'orphan']),
  place: z.string().openapi({ description: 'A partition, an object or an item.' }),
  what: z.string(),
})

const summarySchema = z.object({
  topics: z.int(),
  partitions: z.int(),
  segments: z.int(),
  extents: z.int().openapi({ description: 'Of flushes.' }),
  bytes: z.int().openapi({ description: 'Of batches that were read and checked.' }),
  objects: z.int(),
  inline_items: z.int(),
  retired: z.int().openapi({ description: 'Objects that wait for their grace to pass.' }),
  unfinished: z.boolean().openapi({ description: 'There was not the time for all of it.' }),
  findings: z.record(z.string(), z.int()),
})

const verifyLineSchema = z
  .object({
    finding: findingSchema.optional(),
    progress: z.object({ partitions_done: z.int(), partitions: z.int() }).optional(),
    summary: summarySchema.optional().openapi({ description: 'The last line.' }),
    error: z
      .object({ error_code: z.int(), message: z.string() })
      .optional()
      .openapi({ description: 'The last line of a walk that failed.' }),
  })
  .openapi('VerifyLine')

const dumpLineSchema = z.object({ text: z.string(), is_valid: z.boolean() }).openapi('DumpLine')

const dumpQuery = z.object({
  object_name: z
    .string()
    .openapi({ description: 'As a finding names it: of a segment or a flush, or the id alone.' }),
  print_data: flag('Keys, values and headers too.'),
})

const linesOf = (description: string, schema: z.ZodType) => ({
  ...refusals,
  200: { description, content: { [linesHeaders['content-type']]: { schema } } },
})

const verifyStorage = {
  method: 'post',
  path: '/clusters/{cluster_id}/compaction:verify',
  operationId: 'verifyStorage',
  summary: 'Hold everything that is named against everything that is stored',
  tags,
  request: { params: clusterParams },
  responses: linesOf('A line for each finding, progress, and a summary last.', verifyLineSchema),
} as const

const dumpObject = {
  method: 'get',
  path: '/clusters/{cluster_id}/compaction:dump',
  operationId: 'dumpObject',
  summary: 'Batches and records of a segment or a flush',
  tags,
  request: { params: clusterParams, query: dumpQuery },
  responses: linesOf("Lines as Kafka's dump-log prints them.", dumpLineSchema),
} as const

export function registerInspectionRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, verifyStorage, async (c) => {
    const compaction = findCompaction(c, parseParams(c, clusterParams).cluster_id)
    return streamAnswer(c, deps, linesHeaders, (signal) => verifyLines(deps, c, compaction, signal))
  })

  registerRaw(app, dumpObject, async (c) => {
    const compaction = findCompaction(c, parseParams(c, clusterParams).cluster_id)
    const { object_name, print_data = false } = parseQuery(c, dumpQuery)
    const stored = await compaction.readStored(object_name)
    if (!stored) throw new KafkaError('NOT_FOUND', `There is no ${object_name}.`)
    return streamAnswer(c, deps, linesHeaders, () => renderDump(stored, print_data))
  })
}

type End = { readonly summary: VerifySummary } | { readonly error: unknown }

/** What fails before anything was said is thrown, for a status of its own. */
async function* verifyLines(
  deps: HttpDeps,
  c: RawContext,
  compaction: Compaction,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { clock, limits } = deps
  const endsAt = clock.now() + limits.streamMsMax
  const findings: string[] = []
  let progress = { partitions_done: 0, partitions: 0 }
  const listener = {
    finding: (finding: Finding) => findings.push(line({ finding })),
    progress: (partitions_done: number, partitions: number) => {
      progress = { partitions_done, partitions }
    },
  }
  const walk = compaction
    .verify(listener, () => signal.aborted || clock.now() >= endsAt)
    .then(
      (summary): End => ({ summary }),
      (error: unknown): End => ({ error }),
    )
  for (let isFirst = true; ; isFirst = false) {
    const waiting = new AbortController()
    const tick = clock.sleep(progressMs, waiting.signal).then(() => undefined)
    const end = await Promise.race([walk, tick])
    waiting.abort()
    if (isFirst && end && 'error' in end) throw end.error
    yield findings.splice(0).join('') + line({ progress }) + (end ? renderEnd(deps, c, end) : '')
    if (end) return
  }
}

function renderEnd(deps: HttpDeps, c: RawContext, end: End): string {
  if ('error' in end) return line({ error: errorBody(refuseUnexpected(deps, c, end.error)) })
  const { inlineItems: inline_items, ...summary } = end.summary
  return line({ summary: { ...summary, inline_items } })
}

/** Many lines at once: each write to a connection costs more than a line. */
async function* renderDump(stored: StoredLog, printsData: boolean): AsyncGenerator<string> {
  let lines = ''
  for (const { text, isValid } of dumpLines(stored, printsData)) {
    lines += line({ text, is_valid: isValid })
    if (lines.length < partLengthMin) continue
    yield lines
    lines = ''
  }
  yield lines
}

const partLengthMin = 64 * 1024

const line = (value: unknown): string => `${JSON.stringify(value)}\n`
