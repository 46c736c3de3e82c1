// The object port on S3. The client is the caller's, with maxAttempts 1: what may be repeated is repeated here and by
// the engine, and by nobody who does not know what it does.
import { DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { StorageError } from '../../base/errors.ts'
import type { ObjectPage, ObjectStore } from '../../ports/objectStore.ts'
import { checkObjectList, checkObjectName, checkObjectRange } from '../objectName.ts'
import type { BucketDeps } from './bucket.ts'
import { measured, patiently } from './calls.ts'
import { isThrottled, readFailure, writeFailure } from './errors.ts'
import { createHedge } from './hedge.ts'
import { putIfAbsent } from './putObject.ts'
import { readRange } from './readObject.ts'

export const createS3ObjectStore = (deps: BucketDeps): ObjectStore => {
  const hedge = createHedge(deps.clock)
  return {
    putIfAbsent: async (name, parts) => {
      checkObjectName(name)
      return putIfAbsent(deps, hedge, name, parts)
    },
    getRange: async (name, start, length) => {
      checkObjectName(name)
      checkObjectRange(start, length)
      return readRange(deps, hedge, name, start, length)
    },
    list: async (prefix, { after, limit }) => {
      checkObjectList(prefix, limit)
      return list(deps, prefix, after, limit)
    },
    delete: async (names) => {
      for (const name of names) checkObjectName(name)
      await deleteAll(deps, names)
    },
  }
}

const list = async (
  deps: BucketDeps,
  prefix: string,
  after: string | undefined,
  limit: number,
): Promise<ObjectPage> => {
  const command = new ListObjectsV2Command({
    Bucket: deps.bucket,
    Prefix: prefix,
    MaxKeys: limit,
    ...(after === undefined ? {} : { StartAfter: after }),
  })
  try {
    const send = () => measured(deps, 'ListObjectsV2', () => deps.client.send(command))
    const { Contents: contents = [], IsTruncated: isTruncated = false } = await patiently(
      deps,
      isThrottled,
      send,
    )
    const objects = contents.map(({ Key: name = '', Size: size = 0 }) => ({ name, size }))
    return { objects, next: isTruncated ? objects.at(-1)?.name : undefined }
  } catch (error) {
    throw readFailure('S3', error)
  }
}

const namesPerDeleteMax = 1000
const failuresNamedMax = 3

interface KeyFailure {
  readonly Key?: string | undefined
  readonly Code?: string | undefined
}

/** Keys that S3 refuses do not keep those behind them. */
const deleteAll = async (deps: BucketDeps, names: readonly string[]): Promise<void> => {
  const failures: KeyFailure[] = []
  for (let at = 0; at < names.length; at += namesPerDeleteMax) {
    failures.push(...(await deleteSome(deps, names.slice(at, at + namesPerDeleteMax))))
  }
  if (failures.length === 0) return
  const named = failures.slice(0, failuresNamedMax).map(({ Key, Code }) => `${Key}: ${Code}`)
  const message = `S3: ${failures.length} of ${names.length} deletes failed: ${named.join('; ')}`
  const throttled = failures.length === names.length && failures.every(({ Code }) => Code === 'SlowDown')
  throw new StorageError(throttled ? 'none' : 'unknown', message, { throttled })
}

const deleteSome = async (deps: BucketDeps, names: readonly string[]): Promise<readonly KeyFailure[]> => {
  const objects = names.map((name) => ({ Key: name }))
  const command = new DeleteObjectsCommand({
    Bucket: deps.bucket,
    Delete: { Objects: objects, Quiet: true },
  })
  try {
    const send = () => measured(deps, 'DeleteObjects', () => deps.client.send(command))
    return (await patiently(deps, isThrottled, send)).Errors ?? []
  } catch (error) {
    throw writeFailure('S3', error)
  }
}
