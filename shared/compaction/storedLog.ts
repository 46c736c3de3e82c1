// Finds what an operator names: a segment, a flush's object or a flush's inline item, by its name or by its
// id alone.

import { KafkaError } from '../base/errors.ts'
import type { VerifyDeps } from './verifyBytes.ts'

export interface StoredLog {
  readonly kind: 'segment' | 'flush'
  readonly name: string
  readonly bytes: Uint8Array
}

/** Larger than any object of ours: a segment is at most 64 MiB of batches and one batch more. */
const objectBytesMax = 1024 ** 3

/** undefined: there is no such thing. */
export async function readStoredFlushOrSegment(
  deps: VerifyDeps,
  name: string,
): Promise<StoredLog | undefined> {
  const { scope } = deps
  const id =
    idOf(name, scope.segmentObjects) ?? idOf(name, scope.logObjects) ?? /[0-9a-f]{32}$/.exec(name)?.[0]
  if (id === undefined) {
    throw new KafkaError(
      'BAD_REQUEST',
      `${name} is not the name of an object: it is like ${scope.segmentObject('0'.repeat(32))}.`,
    )
  }
  const segment = scope.segmentObject(id)
  const flush = scope.logObject(id)
  if (name !== flush) {
    const bytes = await deps.objects.getRange(segment, 0, objectBytesMax)
    if (bytes) return { kind: 'segment', name: segment, bytes }
  }
  const bytes = name === segment ? undefined : await deps.objects.getRange(flush, 0, objectBytesMax)
  if (bytes) return { kind: 'flush', name: flush, bytes }
  const data = (await deps.table.get(scope.inlineData(id)))?.attributes.data
  return data instanceof Uint8Array ? { kind: 'flush', name: `inline item ${id}`, bytes: data } : undefined
}

function idOf(name: string, prefix: string): string | undefined {
  const id = name.startsWith(prefix) ? name.slice(prefix.length).replace('/', '') : ''
  return /^[0-9a-f]{32}$/.test(id) ? id : undefined
}
