// What is stored, held against what is named: objects and inline items that nothing names, and flushes whose
// footer does not tell the collector who names them (it would take them for garbage). What seems to be named by nobody
// is asked about again, page by page, because much may have been written since the names were read.

import { KafkaError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { decodeFlushFooter, flushFooterBytesMax } from '../metadata/flushFooter.ts'
import { objectTimeMs } from '../metadata/objectId.ts'
import { decodeSegmentFooter, segmentFooterBytesMax } from '../metadata/segmentFooter.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import { flushesNamedBy, isNamedSegment, type NamedFlushes } from './named.ts'
import type { Walk } from './verify.ts'
import { attempt } from './verifyBytes.ts'

export async function verifyStored(walk: Walk): Promise<void> {
  await verifyInlineItems(walk)
  await verifyFlushObjects(walk)
  await verifySegmentObjects(walk)
}

interface Stored {
  readonly id: string
  readonly place: string
  readonly bytes: number
  /** Where its footer lies; undefined: it is not there any more. */
  readonly readTail: () => Promise<Uint8Array | undefined>
}

async function verifyInlineItems(walk: Walk): Promise<void> {
  const { deps, summary } = walk
  for await (const marker of queryEach(deps, { pk: deps.scope.inlinePrefixesPk })) {
    for (const pk of deps.scope.inlineShards(marker.key.sk)) {
      if (walk.isOver()) return
      const shard: Stored[] = []
      for await (const { key, attributes } of queryEach(deps, { pk })) {
        summary.inlineItems++
        const data = dataOf(attributes.data) ?? new Uint8Array(0)
        const stored = { id: key.sk, place: `inline item ${key.sk}`, bytes: data.length }
        const readAgain = async () => dataOf((await deps.table.get(key))?.attributes.data)
        const isNamed = walk.flushes.has(key.sk)
        if (isNamed) await verifyFlushes(walk, [{ ...stored, readTail: async () => data }])
        else shard.push({ ...stored, readTail: readAgain })
      }
      await verifyFlushes(walk, shard)
    }
  }
}

const dataOf = (data: unknown): Uint8Array | undefined => (data instanceof Uint8Array ? data : undefined)

async function verifyFlushObjects(walk: Walk): Promise<void> {
  for await (const page of listObjects(walk, walk.deps.scope.logObjects, flushFooterBytesMax)) {
    await verifyFlushes(walk, page)
  }
}

async function verifySegmentObjects(walk: Walk): Promise<void> {
  for await (const page of listObjects(walk, walk.deps.scope.segmentObjects, segmentFooterBytesMax)) {
    for (const stored of page) {
      if (walk.segments.has(stored.id) || walk.retired.has(stored.id)) continue
      if (!(await isSegmentNamedNow(walk, stored))) reportOrphan(walk, stored)
    }
  }
}

/** Flushes that lie side by side. */
async function verifyFlushes(walk: Walk, page: readonly Stored[]): Promise<void> {
  const named = new Map<string, Promise<NamedFlushes>>()
  for (const stored of page) {
    if (walk.isOver()) return
    const names = walk.flushes.get(stored.id)
    if (names) await verifyFlushFooter(walk, stored, names)
    else if (!(await isFlushNamedNow(walk, stored, named))) reportOrphan(walk, stored)
  }
}

async function verifyFlushFooter(walk: Walk, stored: Stored, names: ReadonlySet<string>): Promise<void> {
  if (names.size === 0) return
  const tail = await retryRepeatable(walk.deps, stored.readTail)
  // Whether somebody misses it, the look at who names it has said.
  if (!tail) return
  const footer = attempt(() => decodeFlushFooter(tail))
  const dangling = (what: string) => walk.report({ kind: 'dangling', place: stored.place, what })
  if ('trouble' in footer) return dangling(`its footer cannot be read: ${footer.trouble}`)
  const said = new Set(footer.value.map(({ topicId, group }) => `${topicId}/${group}`))
  for (const name of names) {
    if (!said.has(name)) dangling(`its footer does not say that sequencer ${name} names it`)
  }
}

/** Or is gone. `named`: by whom else on its page, asked once. */
async function isFlushNamedNow(
  { deps }: Walk,
  stored: Stored,
  named: Map<string, Promise<NamedFlushes>>,
): Promise<boolean> {
  const tail = await retryRepeatable(deps, stored.readTail)
  if (!tail) return true
  const footer = attempt(() => decodeFlushFooter(tail))
  if ('trouble' in footer) return false
  for (const { topicId, group } of footer.value) {
    const key = `${topicId}/${group}`
    const asked = named.get(key) ?? flushesNamedBy(deps, topicId, group)
    named.set(key, asked)
    if (await asked.then(({ ids }) => ids.has(stored.id), notNamed)) return true
  }
  return false
}

async function isSegmentNamedNow({ deps }: Walk, { id, readTail }: Stored): Promise<boolean> {
  const tail = await retryRepeatable(deps, readTail)
  if (!tail) return true
  const footer = attempt(() => decodeSegmentFooter(tail))
  return 'value' in footer && (await isNamedSegment(deps, footer.value, id).catch(notNamed))
}

/** An item that cannot be read is a finding of its own. */
function notNamed(error: unknown): false {
  if (error instanceof KafkaError) return false
  throw error
}

function reportOrphan({ deps, report }: Walk, { id, place, bytes }: Stored): void {
  const isOld = objectTimeMs(id) < deps.clock.now() - limits.graceMs
  const age = isOld
    ? 'older than the grace: the next collection deletes it, or says why not'
    : 'younger than the grace: somebody may be about to name it'
  report({ kind: 'orphan', place, what: `nothing names its ${bytes} bytes; ${age}` })
}

const objectsPerPage = 1000

async function* listObjects(
  { deps, summary, isOver }: Walk,
  prefix: string,
  footerBytesMax: number,
): AsyncGenerator<readonly Stored[]> {
  for (let after: string | undefined; !isOver(); ) {
    const page = { limit: objectsPerPage, ...(after === undefined ? {} : { after }) }
    const { objects, next } = await retryRepeatable(deps, () => deps.objects.list(prefix, page))
    summary.objects += objects.length
    yield objects.map(({ name, size }) => {
      const start = Math.max(0, size - footerBytesMax)
      const readTail = () => deps.objects.getRange(name, start, Math.max(1, size - start))
      const id = name.slice(prefix.length).replace('/', '')
      return { id, place: `object ${name}`, bytes: size, readTail }
    })
    if (next === undefined) return
    after = next
  }
}
