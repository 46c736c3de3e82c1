// Put-if-absent on S3. Whole buffers, never streams: a request is then signed, checked and sent in one piece. A put
// that is refused because the name is taken looks whether it is its own bytes that took it, since the answer to an
// earlier attempt may have been lost.
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { StorageError } from '../../base/errors.ts'
import { type BucketDeps, type Target, targetOf } from './bucket.ts'
import { measured, patiently } from './calls.ts'
import { effectOf, isConflict, isThrottled, statusOf, writeFailure } from './errors.ts'
import type { Hedge } from './hedge.ts'
import { partBytes, putInParts } from './multipart.ts'
import { bytesIn, joined, piecesOf } from './pieces.ts'
import { readRange } from './readObject.ts'

type Stored = 'stored' | 'exists'

const preconditionFailed = 412
const comparedBytes = 8 * 1024 * 1024

export const putIfAbsent = async (
  deps: BucketDeps,
  hedge: Hedge,
  name: string,
  parts: readonly Uint8Array[],
): Promise<Stored> => {
  const isLarge = bytesIn(parts) > partBytes
  const target = await targetOf(deps, name)
  const put = () => (isLarge ? putInParts(deps, target, parts) : putWhole(deps, target, parts))
  try {
    // S3 answers with a conflict where another put of the name is under way, and asks to try again.
    await patiently(deps, (error) => isThrottled(error) || isConflict(error), put)
    return 'stored'
  } catch (error) {
    if (statusOf(error) === preconditionFailed)
      return (await isOurs(deps, hedge, name, parts)) ? 'stored' : 'exists'
    // Another attempt would send all of it again, so it is worth a look whether this one came through.
    if (isLarge && effectOf(error) === 'unknown' && (await isOurs(deps, hedge, name, parts))) return 'stored'
    throw writeFailure('S3', error)
  }
}

const putWhole = async (deps: BucketDeps, target: Target, parts: readonly Uint8Array[]): Promise<void> => {
  const put = new PutObjectCommand({ ...target, Body: joined(parts), IfNoneMatch: '*' })
  await measured(deps, 'PutObject', () => deps.client.send(put))
}

/**
 * Byte by byte, and not one byte more: the only sameness that needs no trust. A failure to look leaves open whether
 * an earlier attempt stored the bytes.
 */
const isOurs = async (
  deps: BucketDeps,
  hedge: Hedge,
  name: string,
  parts: readonly Uint8Array[],
): Promise<boolean> => {
  try {
    let at = 0
    for (const piece of piecesOf(parts, comparedBytes)) {
      const found = await readRange(deps, hedge, name, at, piece.byteLength)
      if (found === undefined || Buffer.compare(piece, found) !== 0) return false
      at += piece.byteLength
    }
    return (await readRange(deps, hedge, name, at, 1))?.byteLength === 0
  } catch (error) {
    const message = 'S3: the name may be taken and its object could not be read'
    throw new StorageError('unknown', message, { cause: error })
  }
}
