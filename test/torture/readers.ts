// Walks from the log start to the head of a slot, with answers of many sizes, across kills. Offsets only grow, within a
// walk and of the head; every record is one that was written.

import { decodeRecords } from '../../shared/kafka/recordBatch.ts'
import type { FetchedPartition } from '../../shared/service/cluster.ts'
import type { Host } from './host.ts'
import type { FullRead, Model } from './model.ts'
import type { Failure } from './protocol.ts'
import type { Slot } from './records.ts'
import { again } from './writers.ts'

export interface ReaderDeps {
  readonly host: Host
  readonly model: Model
  readonly slots: readonly Slot[]
  readonly isOver: () => boolean
  readonly onRead: (count: number) => void
}

type Fetched = Omit<FetchedPartition, 'error'> & { readonly error?: Failure }

interface Walk {
  readonly slot: number
  readonly name: string
  readonly lastOffsets: Map<number, number>
  next: number
  logStartOffset: number
  highWatermark: number
  emptyAnswers: number
}

const maxBytesMin = 512
const maxBytesMax = 1024 * 1024
/** One may come where a segment replaces what was read of the sequencer a moment before. */
const emptyAnswersMax = 5
const decompressedBytesMax = 16 * 1024 * 1024

/** undefined: there was no use in going on. */
export async function walk(deps: ReaderDeps, slot: number): Promise<FullRead | undefined> {
  const place = deps.slots[slot]
  if (!place) throw new Error('a walk is along a slot that there is')
  const name = `${place.topicName}-${place.partition}`
  const state: Walk = {
    slot,
    name,
    lastOffsets: new Map(),
    next: 0,
    logStartOffset: 0,
    highWatermark: 0,
    emptyAnswers: 0,
  }
  for (;;) {
    const maxBytes = Math.floor(maxBytesMin * (maxBytesMax / maxBytesMin) ** Math.random())
    const ask = { kind: 'fetch', ...place, offset: state.next, maxBytes } as const
    const fetched = (await again(deps, () => deps.host.ask(ask))) as Fetched | undefined
    if (!fetched) return undefined
    if (isAtHead(deps, state, fetched)) return state
  }
}

function isAtHead({ model, slots, onRead }: ReaderDeps, state: Walk, fetched: Fetched): boolean {
  const { slot, name } = state
  const { logStartOffset, highWatermark, batches, error } = fetched
  if (logStartOffset < state.logStartOffset || highWatermark < state.highWatermark) {
    model.report(`${name}: the log start or the head went back`)
  }
  if (logStartOffset > 0 && !slots[slot]?.forgets) model.report(`${name}: the log start moved`)
  state.logStartOffset = logStartOffset
  state.highWatermark = highWatermark
  if (error && error.code === 'OFFSET_OUT_OF_RANGE' && state.next < logStartOffset) {
    state.next = logStartOffset
    return false
  }
  if (error) model.report(`${name}: ${error.code} ${error.message}`)
  const before = state.next
  for (const batch of batches) onRead(meet(model, state, batch))
  const isEmpty = state.next === before && before < highWatermark
  state.emptyAnswers = isEmpty ? state.emptyAnswers + 1 : 0
  const isStuck = state.emptyAnswers === emptyAnswersMax
  if (isStuck) model.report(`${name}: nothing was answered at ${before}, the head is at ${highWatermark}`)
  return state.next >= highWatermark || isStuck
}

/** How many records were met. */
function meet(model: Model, state: Walk, batch: Uint8Array): number {
  const records = decodeRecords(batch, decompressedBytesMax)
  const first = new DataView(batch.buffer, batch.byteOffset)
  const base = Number(first.getBigInt64(0))
  const end = base + first.getInt32(23) + 1
  let last = -1
  for (const record of records) {
    if (record.offset <= last || record.offset >= end)
      model.report(`${state.name}: offset ${record.offset} follows ${last}`)
    last = record.offset
    if (record.offset < state.next) continue
    const key = model.met(state.slot, record)
    if (key !== undefined) state.lastOffsets.set(key, record.offset)
  }
  if (end <= state.next) model.report(`${state.name}: a batch ends at ${end}, ${state.next} was asked for`)
  state.next = Math.max(state.next, end)
  return records.length
}

/** Walk after walk, while others write. */
export async function readOn(deps: ReaderDeps, reader: number, tombstonesStayMs: number): Promise<number> {
  const { host, model, slots } = deps
  let walks = 0
  for (let turn = reader; !deps.isOver(); turn++) {
    const slot = turn % slots.length
    const before = model.lastOf(slot)
    const kills = host.kills()
    const startedMs = performance.now()
    const read = await walk(deps, slot)
    // Tombstones that have served their time take keys away, and the next process's clock is hours ahead.
    const endedMs = performance.now()
    const isWhole = host.kills() === kills && endedMs - startedMs < tombstonesStayMs
    const sinceMs = Math.max(endedMs - tombstonesStayMs, host.startedMs())
    if (read && isWhole) model.compareDuring(slot, before, read, sinceMs)
    walks++
  }
  return walks
}
