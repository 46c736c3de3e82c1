// What is stored, held against what is named: objects and inline items that nothing names, and flushes whose
// footer does not tell the collector who names them (it would take them for garbage).

import { limits } from '../base/limits.ts'
import { decodeFlushFooter, flushFooterBytesMax } from '../metadata/flushFooter.ts'
import { objectTimeMs } from '../metadata/objectId.ts'
import { retryRepeatable } from '../ports/retry.ts'
import { queryAll } from './partitionItems.ts'
import type { Walk } from './verify.ts'
import { attempt } from './verifyBytes.ts'

export async function verifyStored(walk: Walk): Promise<void> {
  await verifyInlineItems(walk)
  await verifyFlushObjects(walk)
  await verifySegmentObjects(walk)
}

async function verifyInlineItems(walk: Walk): Promise<void> {
  const { deps } = walk
  for await (const marker of queryAll(deps, { pk: deps.scope.inlinePrefixesPk })) {
    for (const pk of deps.scope.inlineShards(marker.key.sk)) {
      for await (const { key, attributes } of queryAll(deps, { pk })) {
        walk.summary.inlineItems++
        const data = attributes.data instanceof Uint8Array ? attributes.data : new Uint8Array(0)
        const stored = { id: key.sk, place: `inline item ${key.sk}`, bytes: data.length }
        await verifyFlush(walk, stored, async () => data)
      }
    }
  }
}

async function verifyFlushObjects(walk: Walk): Promise<void> {
  const { objects, scope } = walk.deps
  for await (const stored of listObjects(walk, scope.logObjects)) {
    await verifyFlush(walk, stored, async () => {
      const start = Math.max(0, stored.bytes - flushFooterBytesMax)
      const length = Math.max(1, stored.bytes - start)
      return (await objects.getRange(stored.name, start, length)) ?? new Uint8Array(0)
    })
  }
}

async function verifySegmentObjects(walk: Walk): Promise<void> {
  for await (const stored of listObjects(walk, walk.deps.scope.segmentObjects)) {
    if (walk.segments.has(stored.id) || walk.retired.has(stored.id)) continue
    reportOrphan(walk, stored)
  }
}

interface Stored {
  readonly id: string
  readonly place: string
  readonly bytes: number
}

async function verifyFlush(walk: Walk, stored: Stored, readTail: () => Promise<Uint8Array>): Promise<void> {
  const names = walk.flushes.get(stored.id)
  if (!names) return reportOrphan(walk, stored)
  if (names.size === 0) return
  const tail = await retryRepeatable(walk.deps, readTail)
  const footer = attempt(() => decodeFlushFooter(tail))
  const dangling = (what: string) => walk.report({ kind: 'dangling', place: stored.place, what })
  if ('trouble' in footer) return dangling(`its footer cannot be read: ${footer.trouble}`)
  const said = new Set(footer.value.map(({ topicId, group }) => `${topicId}/${group}`))
  for (const name of names) {
    if (!said.has(name)) dangling(`its footer does not say that sequencer ${name} names it`)
  }
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
  { deps, summary }: Walk,
  prefix: string,
): AsyncGenerator<Stored & { readonly name: string }> {
  for (let after: string | undefined; ; ) {
    const page = { limit: objectsPerPage, ...(after === undefined ? {} : { after }) }
    const { objects, next } = await retryRepeatable(deps, () => deps.objects.list(prefix, page))
    for (const { name, size } of objects) {
      summary.objects++
      yield { name, id: name.slice(prefix.length).replace('/', ''), place: `object ${name}`, bytes: size }
    }
    if (next === undefined) return
    after = next
  }
}
