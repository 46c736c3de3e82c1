// The object port on S3. Whole buffers, never streams, so that a put is signed, checked and sent in one
// piece. The client is the caller's, with maxAttempts 1. A put that is refused because the name is taken
// looks whether it is its own bytes that took it: the answer to an earlier attempt may have been lost.
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { StorageError } from '../../base/errors.ts'
import type { ObjectPage, ObjectStore } from '../../ports/objectStore.ts'
import { checkObjectList, checkObjectName, checkObjectRange } from '../objectName.ts'
import { nameOf, readFailure, statusOf, writeFailure } from './errors.ts'

interface BucketDeps {
  readonly client: S3Client
  readonly bucket: string
}

export const createS3ObjectStore = (deps: BucketDeps): ObjectStore => ({
  putIfAbsent: async (name, parts) => {
    checkObjectName(name)
    return putIfAbsent(deps, name, Buffer.concat(parts))
  },
  getRange: async (name, start, length) => {
    checkObjectName(name)
    checkObjectRange(start, length)
    return getBytes(deps, name, `bytes=${start}-${start + length - 1}`)
  },
  list: async (prefix, { after, limit }) => {
    checkObjectList(prefix, limit)
    return list(deps, prefix, after, limit)
  },
  delete: async (names) => {
    for (const name of names) checkObjectName(name)
    for (let at = 0; at < names.length; at += namesPerDeleteMax) {
      await deleteObjects(deps, names.slice(at, at + namesPerDeleteMax))
    }
  },
})

const namesPerDeleteMax = 1000
const putAttemptsMax = 4
const preconditionFailed = 412
const rangeNotSatisfiable = 416
/** Another put of the same name is under way; S3 asks to try again. */
const conditionalRequestConflict = 409

const putIfAbsent = async (deps: BucketDeps, name: string, body: Buffer): Promise<'stored' | 'exists'> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const put = new PutObjectCommand({ Bucket: deps.bucket, Key: name, Body: body, IfNoneMatch: '*' })
      await deps.client.send(put)
      return 'stored'
    } catch (error) {
      if (statusOf(error) === preconditionFailed) return await holderOf(deps, name, body)
      const isConflict = statusOf(error) === conditionalRequestConflict
      if (!isConflict || attempt === putAttemptsMax) throw writeFailure('S3', error)
    }
  }
}

/** A failure to look leaves open whether an earlier attempt stored the bytes. */
const holderOf = async (deps: BucketDeps, name: string, body: Buffer): Promise<'stored' | 'exists'> => {
  try {
    const found = await getBytes(deps, name, undefined)
    return found !== undefined && body.equals(found) ? 'stored' : 'exists'
  } catch (error) {
    throw new StorageError('unknown', 'S3: the name is taken and its object could not be read', {
      cause: error,
    })
  }
}

const getBytes = async (
  { client, bucket }: BucketDeps,
  name: string,
  range: string | undefined,
): Promise<Uint8Array | undefined> => {
  const get = new GetObjectCommand({
    Bucket: bucket,
    Key: name,
    ...(range === undefined ? {} : { Range: range }),
  })
  try {
    const { Body: body } = await client.send(get)
    return (await body?.transformToByteArray()) ?? new Uint8Array()
  } catch (error) {
    if (nameOf(error) === 'NoSuchKey') return undefined
    if (statusOf(error) === rangeNotSatisfiable) return new Uint8Array()
    throw readFailure('S3', error)
  }
}

const list = async (
  { client, bucket }: BucketDeps,
  prefix: string,
  after: string | undefined,
  limit: number,
): Promise<ObjectPage> => {
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    Prefix: prefix,
    MaxKeys: limit,
    ...(after === undefined ? {} : { StartAfter: after }),
  })
  try {
    const { Contents: contents = [], IsTruncated: isTruncated = false } = await client.send(command)
    const objects = contents.map(({ Key: name = '', Size: size = 0 }) => ({ name, size }))
    return { objects, next: isTruncated ? objects.at(-1)?.name : undefined }
  } catch (error) {
    throw readFailure('S3', error)
  }
}

const deleteObjects = async ({ client, bucket }: BucketDeps, names: readonly string[]): Promise<void> => {
  const objects = names.map((name) => ({ Key: name }))
  const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } })
  const { Errors: errors = [] } = await client.send(command).catch((error) => {
    throw writeFailure('S3', error)
  })
  const first = errors[0]
  if (first === undefined) return
  throw new StorageError('unknown', `S3: ${errors.length} deletes failed: ${first.Key}: ${first.Code}`)
}
