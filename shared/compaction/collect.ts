// The collector: deletes what nothing names any more, when the grace has passed. A name is looked for twice: the
// listing brings the candidates, then the sequencers and partitions that the object itself names are asked, strongly
// consistently, whether they name it. What cannot be read is reported and stays.

import { KafkaError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { releaseLease } from '../leases/lease.ts'
import { markWork } from '../log/maintain.ts'
import { decodeFlushFooter, flushFooterBytesMax, type SequencerName } from '../metadata/flushFooter.ts'
import { objectTimeMs } from '../metadata/objectId.ts'
import { decodeSegmentFooter, type SegmentFooter, segmentFooterBytesMax } from '../metadata/segmentFooter.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import { collectDeletedTopics } from './deletedTopics.ts'
import { type CompactionDeps, isOver } from './deps.ts'
import { flushesNamedBy, isNamedSegment } from './named.ts'
import { takePartition } from './partitionLease.ts'

export interface CollectOptions {
  readonly deadlineMs: number
  /** Only says what it would delete. */
  readonly dryRun: boolean
}

export interface Collected {
  /** Objects and inline items, by name. */
  readonly names: readonly string[]
  /** Objects that nothing can be said of: damaged, or not ours. */
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[]
}

interface Pass extends CollectOptions {
  readonly deps: CompactionDeps
  readonly beforeMs: number
  readonly names: string[]
  readonly unreadable: { name: string; reason: string }[]
  /** What a sequencer and its partitions name, asked once a pass. */
  readonly named: Map<string, Promise<ReadonlySet<string>>>
}

export async function collect(deps: CompactionDeps, options: CollectOptions): Promise<Collected> {
  const beforeMs = deps.clock.now() - limits.graceMs
  const pass: Pass = { ...options, deps, beforeMs, names: [], unreadable: [], named: new Map() }
  if (!options.dryRun) await collectDeletedTopics(deps, options.deadlineMs)
  await collectRetired(pass)
  await collectFlushes(pass)
  await collectInline(pass)
  await collectSegments(pass)
  return pass
}

const isPassOver = ({ deps, deadlineMs }: Pass): boolean => isOver(deps, deadlineMs)

async function collectRetired(pass: Pass): Promise<void> {
  const { deps } = pass
  for await (const { key, attributes } of queryEach(deps, { pk: deps.scope.retiredPk })) {
    const { since, name } = attributes
    if (isPassOver(pass)) return
    if (typeof since !== 'number' || typeof name !== 'string' || since >= pass.beforeMs) continue
    await deleteObject(pass, name)
    if (!pass.dryRun) await retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key }))
  }
}

async function collectFlushes(pass: Pass): Promise<void> {
  for await (const { name, id, size } of oldObjects(pass, pass.deps.scope.logObjects)) {
    const footer = await readFooter(pass, name, size, flushFooterBytesMax, decodeFlushFooter)
    if (footer && !(await isNamed(pass, footer, id))) await deleteObject(pass, name)
  }
}

async function collectSegments(pass: Pass): Promise<void> {
  const { deps } = pass
  for await (const { name, id, size } of oldObjects(pass, deps.scope.segmentObjects)) {
    const footer = await readFooter(pass, name, size, segmentFooterBytesMax, decodeSegmentFooter)
    if (!footer) continue
    if (await isNamedSegment(deps, footer, id)) continue
    if (pass.dryRun) await deleteObject(pass, name)
    else await deleteOrphan(pass, footer, { name, id })
  }
}

/**
 * Its writer may be frozen before the swap, and hold the lease as long as nobody else has taken it: taken here, the
 * swap can no more happen, and what nothing names now nothing will. Where it is held, a later pass looks again.
 */
async function deleteOrphan(
  pass: Pass,
  footer: SegmentFooter,
  { name, id }: { readonly name: string; readonly id: string },
): Promise<void> {
  const { deps } = pass
  const taken = await takePartition(deps, footer)
  if (taken.kind === 'held') return
  if (!(await isNamedSegment(deps, footer, id))) await deleteObject(pass, name)
  if (taken.kind === 'taken') await releaseLease(deps, taken.lease)
}

/** Inline items lie under the first digits of their time; a list says which of these there are. */
async function collectInline(pass: Pass): Promise<void> {
  const { deps } = pass
  for await (const { key } of queryEach(deps, { pk: deps.scope.inlinePrefixesPk })) {
    if (isOver(deps, pass.deadlineMs) || objectTimeMs(`${key.sk}fffff`) >= pass.beforeMs) return
    let left = 0
    for (const pk of deps.scope.inlineShards(key.sk)) left += await collectInlineShard(pass, pk)
    if (left > 0 || pass.dryRun) continue
    await retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key }))
  }
}

/** Answers how many stay. */
async function collectInlineShard(pass: Pass, pk: string): Promise<number> {
  let left = 0
  for await (const { key, attributes } of queryEach(pass.deps, { pk })) {
    const { data } = attributes
    const tail = data instanceof Uint8Array ? data : new Uint8Array(0)
    const footer = decodeOrReport(pass, `${key.pk}/${key.sk}`, tail, decodeFlushFooter)
    if (!footer || (await isNamed(pass, footer, key.sk))) left++
    else await deleteInline(pass, key.sk)
  }
  return left
}

/** Objects older than the grace, oldest first: their names begin with their time. */
async function* oldObjects(
  pass: Pass,
  prefix: string,
): AsyncGenerator<{ readonly name: string; readonly id: string; readonly size: number }> {
  const { objects } = pass.deps
  for (let after: string | undefined; ; ) {
    const page = { limit: 500, ...(after === undefined ? {} : { after }) }
    const { objects: found, next } = await retryRepeatable(pass.deps, () => objects.list(prefix, page))
    for (const { name, size } of found) {
      const id = name.slice(prefix.length).replace('/', '')
      if (isPassOver(pass) || objectTimeMs(id) >= pass.beforeMs) return
      yield { name, id, size }
    }
    if (next === undefined) return
    after = next
  }
}

async function readFooter<T>(
  pass: Pass,
  name: string,
  size: number,
  bytesMax: number,
  decode: (tail: Uint8Array) => T,
): Promise<T | undefined> {
  const start = Math.max(0, size - bytesMax)
  const read = () => pass.deps.objects.getRange(name, start, size - start)
  const tail = size === 0 ? new Uint8Array(0) : await retryRepeatable(pass.deps, read)
  return tail && decodeOrReport(pass, name, tail, decode)
}

function decodeOrReport<T>(
  pass: Pass,
  name: string,
  tail: Uint8Array,
  decode: (tail: Uint8Array) => T,
): T | undefined {
  try {
    return decode(tail)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    pass.unreadable.push({ name, reason: error.message })
    return undefined
  }
}

async function isNamed(pass: Pass, sequencers: readonly SequencerName[], objectId: string): Promise<boolean> {
  for (const { topicId, group } of sequencers) {
    const key = `${topicId}/${group}`
    const named = pass.named.get(key) ?? namedBy(pass, topicId, group)
    pass.named.set(key, named)
    if ((await named).has(objectId)) return true
  }
  return false
}

/**
 * Object ids in a sequencer's tail and in the index of its partitions. A tail that is older than the grace has been
 * overlooked by the planner, because its writer died before it had marked it: it is marked here, for one write and
 * nothing else, since the collector comes by every old flush anyway.
 */
async function namedBy(pass: Pass, topicId: string, group: number): Promise<ReadonlySet<string>> {
  const { deps } = pass
  const { ids, tail } = await flushesNamedBy(deps, topicId, group)
  const [oldest] = tail
  const isOverlooked = oldest && objectTimeMs(oldest.objectId) < pass.beforeMs
  if (isOverlooked && !pass.dryRun) await markWork(deps, topicId, group)
  return ids
}

async function deleteObject(pass: Pass, name: string): Promise<void> {
  pass.names.push(name)
  if (pass.dryRun) return
  await retryRepeatable(pass.deps, () => pass.deps.objects.delete([name]))
  pass.deps.report.counters.objectsDeleted++
}

async function deleteInline(pass: Pass, objectId: string): Promise<void> {
  const { deps } = pass
  const key = deps.scope.inlineData(objectId)
  pass.names.push(`${key.pk}/${key.sk}`)
  if (pass.dryRun) return
  await retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key }))
  deps.report.counters.itemsDeleted++
}
