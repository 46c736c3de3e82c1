// Walks everything that the table names and everything that is stored, and reports what does not fit: names
// whose bytes are gone or differ (dangling), offsets named twice (overlap) or never (hole), and what nothing
// names (orphan). Changes nothing. Writers and the compactor may be at work: what a first look finds is looked at
// again, and reported when it is found again. The names come first and the listing last: what is written meanwhile is
// at worst a young orphan.

import { decodeTailEntry, type PlacedExtent } from '../metadata/extent.ts'
import { parseIndexItem } from '../metadata/indexItem.ts'
import { indexSortKey, indexSortKeyEnd, segmentSortKey, segmentSortKeyEnd } from '../metadata/scope.ts'
import { parseSegmentItem, type SegmentItem } from '../metadata/segmentItem.ts'
import {
  groupOf,
  parseSequencer,
  partitionState,
  type Sequencer,
  topicAttribute,
} from '../metadata/sequencer.ts'
import type { TopicItem } from '../metadata/topicItem.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item } from '../ports/table.ts'
import { createCatalog } from '../topics/catalog.ts'
import { checkCoverage } from './coverage.ts'
import { emptyTally, type Tally } from './segmentBuilder.ts'
import { attempt, checkExtent, checkSegmentFooter, nameOf, type VerifyDeps } from './verifyBytes.ts'
import { verifyStored } from './verifyStored.ts'

export type FindingKind = 'dangling' | 'overlap' | 'hole' | 'orphan'

export interface Finding {
  readonly kind: FindingKind
  /** A partition, an object or an item. */
  readonly place: string
  readonly what: string
}

export interface VerifyListener {
  finding(finding: Finding): void
  progress(partitionsDone: number, partitions: number): void
}

export interface VerifySummary {
  topics: number
  partitions: number
  segments: number
  /** Extents of flushes. */
  extents: number
  /** Bytes of batches that were read and checked. */
  bytes: number
  objects: number
  inlineItems: number
  /** Objects that wait for their grace to pass. */
  retired: number
  /** There was not the time for all of it; then nothing is said of orphans. */
  unfinished: boolean
  readonly findings: Record<FindingKind, number>
}

export interface Walk {
  readonly deps: VerifyDeps
  readonly summary: VerifySummary
  readonly report: (finding: Finding) => void
  /** Flushes by object id: the sequencers that name them, as topic id and group. */
  readonly flushes: Map<string, Set<string>>
  readonly segments: Set<string>
  readonly retired: Set<string>
  readonly isOver: () => boolean
}

export async function verify(
  deps: VerifyDeps,
  listener: VerifyListener,
  isOver: () => boolean = () => false,
): Promise<VerifySummary> {
  const summary = newSummary()
  const report = (finding: Finding) => {
    summary.findings[finding.kind]++
    listener.finding(finding)
  }
  const walk: Walk = {
    deps,
    summary,
    report,
    flushes: new Map(),
    segments: new Set(),
    retired: new Set(),
    isOver,
  }
  for await (const { key } of queryEach(deps, { pk: deps.scope.retiredPk })) walk.retired.add(key.sk)
  summary.retired = walk.retired.size
  const topics = await createCatalog(deps).list()
  summary.topics = topics.length
  const partitions = topics.reduce((sum, { partitionCount }) => sum + partitionCount, 0)
  for (const topic of topics) {
    await verifyTopic(walk, topic, () => listener.progress(++summary.partitions, partitions))
  }
  if (!isOver()) await noteDeletedTopics(walk)
  if (!isOver()) await findStraySequencers(walk, topics)
  if (!isOver()) await verifyStored(walk)
  summary.unfinished = isOver()
  return summary
}

const newSummary = (): VerifySummary => ({
  topics: 0,
  partitions: 0,
  segments: 0,
  extents: 0,
  bytes: 0,
  objects: 0,
  inlineItems: 0,
  retired: 0,
  unfinished: false,
  findings: { dangling: 0, overlap: 0, hole: 0, orphan: 0 },
})

async function verifyTopic(walk: Walk, topic: TopicItem, done: () => void): Promise<void> {
  for (let partition = 0; partition < topic.partitionCount && !walk.isOver(); partition++) {
    await lookTwice(walk, (look) => verifyPartition(look, topic, partition))
    done()
  }
}

/** What is found by one look alone was a merge, a spill or a deletion on its way. */
async function lookTwice(walk: Walk, look: (walk: Walk) => Promise<void>): Promise<void> {
  const first = await findingsOf(walk, look)
  if (first.length === 0) return
  const again = await findingsOf({ ...walk, summary: newSummary() }, look)
  const stillThere = new Set(again.map((finding) => JSON.stringify(finding)))
  for (const finding of first) if (stillThere.has(JSON.stringify(finding))) walk.report(finding)
}

async function findingsOf(walk: Walk, look: (walk: Walk) => Promise<void>): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  await look({ ...walk, report: (finding) => findings.push(finding) })
  return findings
}

async function verifyPartition(walk: Walk, topic: TopicItem, partition: number): Promise<void> {
  const { name, topicId } = topic
  const place = `${name}-${partition}`
  const dangling = (what: string) => walk.report({ kind: 'dangling', place, what })
  const item = await readSequencerItem(walk, topicId, groupOf(partition))
  if (!item) {
    const isGone = !(await isThere(walk, name, topicId))
    return isGone ? undefined : dangling(`the sequencer of group ${groupOf(partition)} is missing`)
  }
  const state = attempt(() => partitionState(parseSequencer(item), partition))
  if ('trouble' in state) return dangling(`the sequencer cannot be read: ${state.trouble}`)
  if (!state.value) return dangling('its sequencer has no such partition')
  const at = { topicId, partition }
  const { segments, indexed } = await readItems(walk, at, dangling)
  for (const extent of [...indexed, ...state.value.tail]) noteFlush(walk, at, extent)
  for (const trouble of checkCoverage(state.value, segments, indexed)) walk.report({ place, ...trouble })
  for (const segment of segments) {
    if (walk.isOver()) return
    await verifySegment(walk, at, segment, dangling)
  }
  for (const extent of [...indexed, ...state.value.tail]) {
    if (walk.isOver()) return
    walk.summary.extents++
    const checked = await checkExtent(walk.deps, extent)
    if ('trouble' in checked) dangling(checked.trouble)
    else walk.summary.bytes += extent.length
  }
}

interface At {
  readonly topicId: string
  readonly partition: number
}

type Report = (what: string) => void

async function verifySegment(walk: Walk, at: At, segment: SegmentItem, dangling: Report): Promise<void> {
  walk.summary.segments++
  let tally: Tally | undefined = emptyTally
  for (const extent of segment.extents) {
    const checked = await checkExtent(walk.deps, extent)
    if ('trouble' in checked) {
      dangling(checked.trouble)
      tally = undefined
    } else {
      walk.summary.bytes += extent.length
      tally = tally && addTallies(tally, checked.tally)
    }
  }
  const trouble = tally && (await checkSegmentFooter(walk.deps, at, segment, tally))
  if (trouble) dangling(trouble)
  if (walk.retired.has(segment.objectId)) {
    dangling(`${nameOf(walk.deps, { storage: 'segment', objectId: segment.objectId })} is to be deleted`)
  }
}

const addTallies = (a: Tally, b: Tally): Tally => ({
  batchCount: a.batchCount + b.batchCount,
  recordCount: a.recordCount + b.recordCount,
  crcSum: (a.crcSum + b.crcSum) % 2 ** 32,
})

/** What lies under a partition's key; its objects are noted as named. */
async function readItems(walk: Walk, at: At, damaged: Report) {
  const { deps } = walk
  const pk = deps.scope.indexPk(at.topicId, at.partition)
  const segments: SegmentItem[] = []
  for await (const item of queryEach(deps, { pk, from: segmentSortKey(0), to: segmentSortKeyEnd })) {
    const parsed = attempt(() => parseSegmentItem(item))
    if ('trouble' in parsed) damaged(`item ${item.key.sk} cannot be read: ${parsed.trouble}`)
    else segments.push(parsed.value)
  }
  const indexed: PlacedExtent[] = []
  for await (const item of queryEach(deps, { pk, from: indexSortKey(0), to: indexSortKeyEnd })) {
    const parsed = attempt(() => parseIndexItem(item).extents)
    if ('trouble' in parsed) damaged(`item ${item.key.sk} cannot be read: ${parsed.trouble}`)
    else indexed.push(...parsed.value)
  }
  for (const { objectId } of segments) walk.segments.add(objectId)
  return { segments, indexed }
}

function noteFlush(walk: Walk, { topicId, partition }: At, { objectId }: { objectId: string }): void {
  const names = walk.flushes.get(objectId) ?? new Set()
  names.add(`${topicId}/${groupOf(partition)}`)
  walk.flushes.set(objectId, names)
}

/** What is left of deleted topics waits for the collector: it is named, and nobody reads it. */
async function noteDeletedTopics(walk: Walk): Promise<void> {
  const { deps } = walk
  for await (const { key, attributes } of queryEach(deps, { pk: deps.scope.deletedPk })) {
    const count = typeof attributes.partitions === 'number' ? attributes.partitions : 0
    for (let partition = 0; partition < count; partition++) {
      const at = { topicId: key.sk, partition }
      const damaged = (what: string) =>
        walk.report({ kind: 'dangling', place: `deleted topic ${key.sk}-${partition}`, what })
      const { indexed } = await readItems(walk, at, damaged)
      for (const { objectId } of indexed) walk.flushes.set(objectId, new Set())
    }
  }
}

/** Sequencers that the work list knows and no topic has: their flushes would never be collected. */
async function findStraySequencers(walk: Walk, topics: readonly TopicItem[]): Promise<void> {
  const known = new Set(topics.map(({ topicId }) => topicId))
  for await (const { key } of queryEach(walk.deps, { pk: walk.deps.scope.workPk })) {
    const [, topicId = '', group = ''] = key.sk.split('/')
    const item = known.has(topicId) ? undefined : await readSequencerItem(walk, topicId, Number(group))
    const sequencer = item && attempt(() => parseSequencer(item))
    if (!sequencer) continue
    const name = 'value' in sequencer ? sequencer.value.attributes[topicAttribute] : undefined
    // It may have been made after the topics were listed.
    if (typeof name === 'string' && (await isThere(walk, name, topicId))) continue
    walk.report({ kind: 'orphan', place: `sequencer ${topicId}/${group}`, what: 'no topic has it' })
    if ('value' in sequencer) noteTail(walk, sequencer.value)
  }
}

function noteTail(walk: Walk, sequencer: Sequencer): void {
  for (const bytes of sequencer.tailBytes) {
    const entry = attempt(() => decodeTailEntry(bytes))
    if ('value' in entry) walk.flushes.set(entry.value.objectId, new Set())
  }
}

/** Now; it may have been deleted, or made again, since it was listed. */
const isThere = async ({ deps }: Walk, name: string, topicId: string): Promise<boolean> =>
  (await createCatalog(deps).get(name))?.topicId === topicId

const readSequencerItem = ({ deps }: Walk, topicId: string, group: number): Promise<Item | undefined> =>
  retryRepeatable(deps, () => deps.table.get(deps.scope.sequencer(topicId, group)))
