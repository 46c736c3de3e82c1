// Whether stored bytes are what the table says of them: they are there, whole batches with a CRC that matches
// fill them, and offsets and counts are as written down. Says what is wrong in words; undefined: nothing is.

import { batchCrcIsValid, readHeader } from '../kafka/recordBatchLayout.ts'
import { objectName } from '../log/blocks.ts'
import type { LogDeps } from '../log/deps.ts'
import { endOf } from '../log/extents.ts'
import { batchesOf } from '../log/readBatches.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { decodeSegmentFooter, segmentFooterBytesMax } from '../metadata/segmentFooter.ts'
import type { SegmentItem } from '../metadata/segmentItem.ts'
import { retryRepeatable } from '../ports/retry.ts'
import { addToTally, emptyTally, type Tally } from './segmentBuilder.ts'

export type VerifyDeps = Pick<LogDeps, 'objects' | 'table' | 'clock' | 'random' | 'scope'>

export type Checked = { readonly tally: Tally } | { readonly trouble: string }

export async function checkExtent(deps: VerifyDeps, extent: PlacedExtent): Promise<Checked> {
  if (extent.length === 0) return { tally: emptyTally }
  const bytes = await readStored(deps, extent)
  const name = nameOf(deps, extent)
  if (!bytes) return { trouble: `${name} is missing` }
  const { position, length } = extent
  if (bytes.length < length) {
    const found = `${position + bytes.length} of at least ${position + length} bytes`
    return { trouble: `${name} ends too early: it has ${found}` }
  }
  const checked = checkBatches(extent, bytes)
  return 'tally' in checked ? checked : { trouble: `${name}, ${checked.trouble}` }
}

/** What a segment's footer says, held against its item and its batches. */
export async function checkSegmentFooter(
  deps: VerifyDeps,
  at: { readonly topicId: string; readonly partition: number },
  segment: SegmentItem,
  tally: Tally,
): Promise<string | undefined> {
  const name = deps.scope.segmentObject(segment.objectId)
  const last = segment.extents.at(-1)
  const start = last ? last.position + last.length : 0
  const tail = await retryRepeatable(deps, () => deps.objects.getRange(name, start, segmentFooterBytesMax))
  if (!tail) return `object ${name} is missing`
  const footer = attempt(() => decodeSegmentFooter(tail))
  if ('trouble' in footer) return `object ${name}, footer: ${footer.trouble}`
  const { chunks, ...said } = footer.value
  const { baseOffset, endOffset, recordCount } = segment
  const expected = { ...at, baseOffset, endOffset, ...tally, recordCount }
  const differing = Object.entries(expected).find(([field, value]) => Object(said)[field] !== value)
  if (differing) {
    const [field, value] = differing
    return `object ${name}, footer: ${field} is ${Object(said)[field]}, table and batches say ${value}`
  }
  if (tally.recordCount !== recordCount) {
    return `object ${name} has ${tally.recordCount} records, the table says ${recordCount}`
  }
  return chunks.length === segment.extents.length
    ? undefined
    : `object ${name}, footer: ${chunks.length} chunks, the table says ${segment.extents.length}`
}

export const nameOf = (deps: VerifyDeps, extent: Pick<PlacedExtent, 'storage' | 'objectId'>): string =>
  extent.storage === 'inline' ? `inline item ${extent.objectId}` : `object ${objectName(deps.scope, extent)}`

/** Decoders refuse what is damaged with an error that says where. */
export function attempt<T>(decode: () => T): { readonly value: T } | { readonly trouble: string } {
  try {
    return { value: decode() }
  } catch (error) {
    return { trouble: error instanceof Error ? error.message : String(error) }
  }
}

async function readStored(deps: VerifyDeps, extent: PlacedExtent): Promise<Uint8Array | undefined> {
  const { storage, objectId, position, length } = extent
  if (storage !== 'inline') {
    const name = objectName(deps.scope, extent)
    return retryRepeatable(deps, () => deps.objects.getRange(name, position, length))
  }
  const item = await retryRepeatable(deps, () => deps.table.get(deps.scope.inlineData(objectId)))
  const data = item?.attributes.data
  return data instanceof Uint8Array ? data.subarray(position, position + length) : undefined
}

function checkBatches(extent: PlacedExtent, bytes: Uint8Array): Checked {
  let position = extent.position
  let next = extent.baseOffset
  const walked = attempt(() => {
    let tally = emptyTally
    for (const { batch, baseOffset } of batchesOf(extent, bytes)) {
      const { recordCount, lastOffsetDelta } = readHeader(batch)
      const isFlush = extent.storage !== 'segment'
      const counts = isFlush ? recordCount === lastOffsetDelta + 1 : recordCount <= lastOffsetDelta + 1
      if (!batchCrcIsValid(batch)) throw new Error('its CRC does not match')
      if (!counts) throw new Error(`it has ${recordCount} records in ${lastOffsetDelta + 1} offsets`)
      if (baseOffset.first < next || baseOffset.last >= endOf(extent)) {
        throw new Error(`its offsets ${baseOffset.first} to ${baseOffset.last} are out of place`)
      }
      tally = addToTally(tally, batch)
      position += batch.length
      next = baseOffset.last + 1
    }
    return tally
  })
  if ('value' in walked) return { tally: walked.value }
  return { trouble: `position ${position}, offset ${next}: the batch is damaged: ${walked.trouble}` }
}
