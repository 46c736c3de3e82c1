// Looks at every write of compactors and collectors as it lands, and says at once what must not have
// happened: a change without the lease or with one that another holder has taken since, a segment that is not
// what it replaces, a name whose bytes are not there, a log start moved before its time, bytes deleted that
// somebody may still hold the name of.

import { limits } from '../../../shared/base/limits.ts'
import { parseIndexItem } from '../../../shared/metadata/indexItem.ts'
import type { Scope } from '../../../shared/metadata/scope.ts'
import { parseSegmentItem, type SegmentItem } from '../../../shared/metadata/segmentItem.ts'
import { parseSequencer, partitionState } from '../../../shared/metadata/sequencer.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import type {
  Action,
  ItemKey,
  Table,
  TransactOutcome,
  TransactWrite,
  Write,
} from '../../../shared/ports/table.ts'
import type { Counters } from '../counters.ts'
import { type CompactionRules, mayRetain } from '../topicRules.ts'
import { checkFlushGone, checkIndexGone, checkObjectGone } from './deletions.ts'
import type { Ledger } from './ledger.ts'
import { checkSwap } from './swaps.ts'

export interface InspectorDeps {
  readonly table: Table
  readonly objects: ObjectStore
  readonly scope: Scope
  readonly ledger: Ledger
  readonly counters: Counters
  readonly now: () => number
  readonly order: () => number
  readonly report: (violation: string) => void
  /** undefined: the topic lives no more. */
  readonly rulesOf: (topicId: string) => CompactionRules | undefined
}

export interface Move {
  readonly topicId: string
  readonly partition: number
  /** When it was, in the order of the world. */
  readonly at: number
  readonly offset: number
}

export interface Inspector {
  /** Where retention has moved log starts to. */
  readonly retained: readonly Move[]
  /** Around a transaction. */
  transact(
    writes: readonly TransactWrite[],
    carryOut: () => Promise<TransactOutcome>,
  ): Promise<TransactOutcome>
  beforeWrite(write: Write): Promise<void>
  beforeDelete(names: readonly string[]): void
}

/** How far apart two clocks may be, with some room. */
export const skewMs = 6_000

interface Memory {
  readonly epochs: Map<string, number>
  readonly retiredAt: Map<string, number>
  /** Of each partition: when the segments' end came to be where. */
  readonly boundary: Map<string, { readonly atMs: number; readonly end: number }[]>
  readonly everNamed: Set<string>
  readonly retained: Move[]
}

export type Watcher = InspectorDeps & Memory

export function createInspector(deps: InspectorDeps): Inspector {
  const watcher: Watcher = {
    ...deps,
    epochs: new Map(),
    retiredAt: new Map(),
    boundary: new Map(),
    everNamed: new Set(),
    retained: [],
  }
  return {
    retained: watcher.retained,
    async transact(writes, carryOut) {
      const before = await partitionBefore(watcher, writes)
      const guard = guardOf(watcher, writes)
      const holder = guard && { epoch: await epochOf(watcher, guard) }
      const outcome = await carryOut()
      if (!outcome.ok) {
        if (guard && outcome.failed.some(({ index }) => index === 0)) deps.counters.count('fencedTransaction')
        return outcome
      }
      if (guard && holder) checkEpoch(watcher, guard, holder)
      for (const write of writes) {
        checkGuarded(watcher, write, guard !== undefined)
        noteRetired(watcher, write)
      }
      if (before && guard) await checkCompaction(watcher, before, writes)
      return outcome
    },
    async beforeWrite(write) {
      checkGuarded(watcher, write, false)
      noteRetired(watcher, write)
      await countLease(watcher, write)
      if (write.kind === 'delete' && write.key.pk.startsWith(`${deps.scope.inlinePrefixesPk}/`)) {
        deps.counters.count('inlineCollected')
        checkFlushGone(watcher, write.key.sk)
      }
    },
    beforeDelete(names) {
      for (const name of names) checkObjectGone(watcher, name)
    },
  }
}

interface Guard {
  readonly lease: string
  readonly epoch: number
}

function guardOf({ scope }: Watcher, [first]: readonly TransactWrite[]): Guard | undefined {
  if (first?.kind !== 'check' || first.key.pk !== scope.leasesPk) return undefined
  const epoch = first.when.find((condition) => condition.kind === 'equals' && condition.attribute === 'epoch')
  return { lease: first.key.sk, epoch: epoch?.kind === 'equals' ? Number(epoch.value) : Number.NaN }
}

const epochOf = async ({ table, scope }: Watcher, { lease }: Guard) =>
  (await table.get(scope.lease(lease)))?.attributes.epoch

/** A lease that is gone begins anew, but then there is nothing left that it guards. */
function checkEpoch(
  { epochs, report }: Watcher,
  { lease, epoch }: Guard,
  holder: { readonly epoch: unknown },
): void {
  if (holder.epoch !== epoch)
    report(`epoch ${epoch} of lease ${lease}, now ${holder.epoch}, wrote without holding it`)
  const before = epochs.get(lease) ?? 0
  if (!(epoch >= before))
    report(`the holder of epoch ${epoch} of lease ${lease} wrote after one of ${before}`)
  epochs.set(lease, Math.max(before, epoch))
}

export const topicIdOf = ({ pk }: ItemKey): string => pk.split('/')[1] ?? ''
export const partitionOf = ({ pk }: ItemKey): number => Number(/p(\d+)$/.exec(pk)?.[1])

const setOf = (write: TransactWrite, letter: string): { partition: number; value: number } | undefined => {
  if (write.kind !== 'update' || write.key.sk !== 'sequencer') return undefined
  const isSet = (action: Action) =>
    action.kind === 'set' && new RegExp(`^${letter}\\d+$`).test(action.attribute)
  const set = write.actions.find(isSet)
  return set?.kind === 'set'
    ? { partition: Number(set.attribute.slice(1)), value: Number(set.value) }
    : undefined
}

function checkGuarded({ rulesOf, report }: Watcher, write: TransactWrite, guarded: boolean): void {
  if (guarded || write.kind === 'check' || !rulesOf(topicIdOf(write.key))) return
  const { sk } = write.key
  const isIndexDelete = sk.startsWith('index/') && write.kind === 'delete'
  const isOurs = sk.startsWith('segment/') || sk === 'cleaner' || isIndexDelete || setOf(write, 'c')
  if (isOurs) report(`${write.kind} ${write.key.pk} ${sk} without a lease`)
}

async function countLease({ scope, table, counters }: Watcher, write: Write): Promise<void> {
  if (write.kind !== 'put' || write.key.pk !== scope.leasesPk) return
  const now = await table.get(write.key)
  const isOthers = now && now.attributes.owner !== write.attributes.owner && now.attributes.until !== 0
  if (isOthers && now.attributes.epoch === Number(write.attributes.epoch) - 1) counters.count('leaseStolen')
}

function noteRetired({ scope, retiredAt, now, counters }: Watcher, { kind, key }: TransactWrite): void {
  if (kind !== 'put' || key.pk !== scope.retiredPk) return
  counters.count('retired')
  retiredAt.set(key.sk, now())
}

export interface PartitionBefore {
  readonly topicId: string
  readonly partition: number
  readonly segments: readonly SegmentItem[]
  readonly segmentsEnd: number
  readonly logStart: number
  /** Of what lies in flushes alone. */
  readonly unmergedBytes: number
}

/** Of the partition that a compactor's transaction is about; undefined: it is not one. */
async function partitionBefore(
  { scope, table }: Watcher,
  writes: readonly TransactWrite[],
): Promise<PartitionBefore | undefined> {
  const [first] = writes
  if (first?.key.pk !== scope.leasesPk) return undefined
  const [, topicId = '', number] = first.key.sk.split('/')
  const partition = Number(number)
  const query = { pk: scope.indexPk(topicId, partition), prefix: 'segment/', limit: 10_000 }
  const { items } = await table.query(query)
  const sequencer = await table.get(
    scope.sequencer(topicId, Math.floor(partition / limits.partitionsPerSequencer)),
  )
  const numberOf = (name: string) => Number(sequencer?.attributes[`${name}${partition}`] ?? 0)
  const segments = items.map(parseSegmentItem)
  const segmentsEnd = numberOf('c')
  const indexed = await table.query({ ...query, prefix: 'index/' })
  const tail = sequencer ? (partitionState(parseSequencer(sequencer), partition)?.tail ?? []) : []
  const flushes = [...indexed.items.flatMap((item) => parseIndexItem(item).extents), ...tail]
  // By their first offsets: index items may name the same flush twice.
  const unmerged = new Map(flushes.map(({ baseOffset, length }) => [baseOffset, length]))
  const unmergedBytes = [...unmerged].reduce(
    (sum, [base, bytes]) => sum + (base >= segmentsEnd ? bytes : 0),
    0,
  )
  return { topicId, partition, segments, segmentsEnd, logStart: numberOf('s'), unmergedBytes }
}

async function checkCompaction(
  watcher: Watcher,
  before: PartitionBefore,
  writes: readonly TransactWrite[],
): Promise<void> {
  const { topicId, partition } = before
  const rules = watcher.rulesOf(topicId)
  const name = `${topicId}/${partition}`
  if (!rules) return
  const newEnd = writes.map((write) => setOf(write, 'c')).find((set) => set !== undefined)?.value
  checkRetention(watcher, rules, before, writes)
  for (const write of writes) {
    if (write.kind === 'put' && write.key.sk.startsWith('segment/')) {
      const segment = parseSegmentItem({ key: write.key, attributes: write.attributes })
      watcher.everNamed.add(segment.objectId)
      watcher.counters.count(newEnd === undefined ? 'clean' : 'merge')
      await checkSwap(watcher, rules, before, segment, newEnd)
      const over = before.segments.find(({ key }) => key.sk === write.key.sk)
      if (over) checkRetired(watcher, writes, over)
    }
    if (write.kind === 'delete' && write.key.sk.startsWith('segment/'))
      checkSegmentGone(watcher, before, writes, write.key)
    if (write.kind === 'delete' && write.key.sk.startsWith('index/')) checkIndexGone(watcher, write.key)
  }
  if (newEnd === undefined) return
  checkSkipped(watcher, before, writes, newEnd)
  const ends = watcher.boundary.get(name) ?? []
  watcher.boundary.set(name, [...ends, { atMs: watcher.now(), end: newEnd }])
}

/** Without a segment the segments' end moves over deleted records alone. */
function checkSkipped(
  { report, counters }: Watcher,
  { topicId, partition, segmentsEnd, logStart }: PartitionBefore,
  writes: readonly TransactWrite[],
  newEnd: number,
): void {
  if (writes.some(({ kind, key }) => kind === 'put' && key.sk.startsWith('segment/'))) return
  counters.count('deletedSkipped')
  if (newEnd > segmentsEnd && newEnd <= logStart) return
  report(`${topicId}/${partition}: the segments' end moved to ${newEnd}, and the log starts at ${logStart}`)
}

function checkRetention(
  watcher: Watcher,
  rules: CompactionRules,
  before: PartitionBefore,
  writes: readonly TransactWrite[],
): void {
  const { topicId, partition } = before
  const offset = writes.map((write) => setOf(write, 's')).find((set) => set !== undefined)?.value
  if (offset === undefined) return
  const why = mayRetain(rules, before, offset, watcher.now() + skewMs)
  if (why !== undefined)
    watcher.report(`${topicId}/${partition}: the log start moved to ${offset}, and ${why}`)
  if (offset < before.logStart)
    watcher.report(`${topicId}/${partition}: the log start went back to ${offset}`)
  watcher.counters.count('retainedByPolicy')
  watcher.retained.push({ topicId, partition, at: watcher.order(), offset })
}

function checkRetired(
  { report, scope }: Watcher,
  writes: readonly TransactWrite[],
  segment: SegmentItem,
): void {
  const retired = scope.retired(segment.objectId)
  const isRetired = writes.some(
    ({ kind, key }) => kind === 'put' && key.pk === retired.pk && key.sk === retired.sk,
  )
  if (!isRetired) report(`segment ${segment.objectId} lost its name and was not retired`)
}

/** Covered by one that stays, or below the log start. */
function checkSegmentGone(
  watcher: Watcher,
  { segments, logStart }: PartitionBefore,
  writes: readonly TransactWrite[],
  key: ItemKey,
): void {
  const gone = segments.find((segment) => segment.key.sk === key.sk)
  if (!gone) return
  checkRetired(watcher, writes, gone)
  const deleted = new Set(writes.filter(({ kind }) => kind === 'delete').map((write) => write.key.sk))
  const isCovered = segments.some(
    (other) =>
      !deleted.has(other.key.sk) && other.baseOffset <= gone.baseOffset && other.endOffset >= gone.endOffset,
  )
  if (isCovered || gone.endOffset <= logStart) return
  watcher.report(`${key.pk} ${key.sk} was deleted, nothing covers it and the log starts at ${logStart}`)
}
