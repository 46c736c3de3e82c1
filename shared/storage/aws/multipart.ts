// Objects too large for one request: parts of 16 MiB, two under way at a time, that become an object all at once, and
// only if its name is free. Until then nothing is there, so a failure before the last request had no effect. An upload
// that failed is aborted; what an abort misses, the bucket's lifecycle rule aborts after a day.
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { StorageError } from '../../base/errors.ts'
import type { BucketDeps, Target } from './bucket.ts'
import { measured, patiently } from './calls.ts'
import { isThrottled, readFailure } from './errors.ts'
import { piecesOf } from './pieces.ts'

export const partBytes = 16 * 1024 * 1024
const partsAtOnce = 2

interface Upload {
  readonly Bucket: string
  readonly Key: string
  readonly UploadId: string
}

/** Fails as the SDK does where the last request failed. */
export const putInParts = async (
  deps: BucketDeps,
  target: Target,
  parts: readonly Uint8Array[],
): Promise<void> => {
  const upload = await create(deps, target)
  try {
    const uploaded = await uploadParts(deps, upload, parts)
    const Parts = uploaded.toSorted((one, other) => (one.PartNumber ?? 0) - (other.PartNumber ?? 0))
    const complete = { ...upload, MultipartUpload: { Parts }, IfNoneMatch: '*' }
    await patiently(deps, isThrottled, () =>
      measured(deps, 'CompleteMultipartUpload', () =>
        deps.client.send(new CompleteMultipartUploadCommand(complete)),
      ),
    )
  } catch (error) {
    await abort(deps, upload)
    throw error
  }
}

const create = async (deps: BucketDeps, target: Target): Promise<Upload> => {
  const create = new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'CRC32' })
  try {
    const { UploadId } = await measured(deps, 'CreateMultipartUpload', () => deps.client.send(create))
    if (UploadId !== undefined) return { Bucket: target.Bucket, Key: target.Key, UploadId }
  } catch (error) {
    throw withoutEffect(error)
  }
  throw new StorageError('none', 'S3: CreateMultipartUpload was answered without an upload id')
}

/** The parts are taken from one generator, and a part that fails ends it: then no other part begins. */
const uploadParts = async (
  deps: BucketDeps,
  upload: Upload,
  parts: readonly Uint8Array[],
): Promise<CompletedPart[]> => {
  const uploaded: CompletedPart[] = []
  const pieces = piecesOf(parts, partBytes)
  let begun = 0
  const uploadSome = async (): Promise<void> => {
    for (const piece of pieces) {
      begun += 1
      uploaded.push(await uploadPart(deps, upload, begun, piece))
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: partsAtOnce }, uploadSome))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw withoutEffect(failed.reason)
  return uploaded
}

/** Uploading a part again replaces it, so that it may be repeated however it failed. */
const uploadPart = async (
  deps: BucketDeps,
  upload: Upload,
  PartNumber: number,
  Body: Uint8Array,
): Promise<CompletedPart> => {
  const send = () => deps.client.send(new UploadPartCommand({ ...upload, PartNumber, Body }))
  const { ETag, ChecksumCRC32 } = await patiently(
    deps,
    () => true,
    () => measured(deps, 'UploadPart', send),
  )
  return {
    PartNumber,
    ...(ETag === undefined ? {} : { ETag }),
    ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }),
  }
}

/** The failure that led here is what counts. */
const abort = async (deps: BucketDeps, upload: Upload): Promise<void> => {
  const send = () => deps.client.send(new AbortMultipartUploadCommand(upload))
  await measured(deps, 'AbortMultipartUpload', send).catch(() => undefined)
}

const withoutEffect = (error: unknown): StorageError => readFailure('S3', error)
