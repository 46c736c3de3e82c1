// A range of an object in one buffer. A body that ends before the length that its head announced is a failure, never
// a shorter range.
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { StorageError } from '../../base/errors.ts'
import type { BucketDeps } from './bucket.ts'
import { measured, patiently } from './calls.ts'
import { isThrottled, nameOf, readFailure, statusOf } from './errors.ts'
import type { Hedge } from './hedge.ts'

const rangeNotSatisfiable = 416

export const readRange = (
  deps: BucketDeps,
  hedge: Hedge,
  name: string,
  start: number,
  length: number,
): Promise<Uint8Array | undefined> =>
  patiently(deps, isThrottled, () =>
    hedge((signal) => ask(deps, name, start, length, signal)).catch(absentOrFailed),
  )

/** A body that is given up does not say that it was, only that it was cut. */
const ask = (
  deps: BucketDeps,
  name: string,
  start: number,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array> =>
  measured(deps, 'GetObject', async () => {
    try {
      return await getBytes(deps, name, start, length, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  })

const getBytes = async (
  { client, bucket }: BucketDeps,
  name: string,
  start: number,
  length: number,
  abortSignal: AbortSignal,
): Promise<Uint8Array> => {
  const range = `bytes=${start}-${start + length - 1}`
  const get = new GetObjectCommand({ Bucket: bucket, Key: name, Range: range })
  const { Body: body, ContentRange: contentRange = '' } = await client.send(get, { abortSignal })
  const bytes = (await body?.transformToByteArray()) ?? new Uint8Array()
  const objectBytes = Number(/^bytes \d+-\d+\/(\d+)$/.exec(contentRange)?.[1])
  if (bytes.byteLength === Math.min(length, objectBytes - start)) return bytes
  const told = contentRange === '' ? 'no range' : contentRange
  throw new StorageError('none', `S3: ${range} was answered with ${told} and ${bytes.byteLength} bytes`)
}

/** S3 says of a range behind an object's end that it cannot be satisfied. */
const absentOrFailed = (error: unknown): Uint8Array | undefined => {
  if (nameOf(error) === 'NoSuchKey') return undefined
  if (statusOf(error) === rangeNotSatisfiable) return new Uint8Array()
  throw readFailure('S3', error)
}
