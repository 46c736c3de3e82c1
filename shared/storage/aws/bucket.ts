// The bucket that the object port's functions work on, and what is sent along with every object that is stored.
import type { S3Client } from '@aws-sdk/client-s3'
import type { CallDeps } from './calls.ts'

export interface BucketDeps extends CallDeps {
  /** With maxAttempts 1. */
  readonly client: S3Client
  readonly bucket: string
  /** Under which key an object of that name is encrypted; undefined, or absent: as the bucket says. */
  readonly kmsKeyOf?: (name: string) => Promise<string | undefined>
}

export interface Target {
  readonly Bucket: string
  readonly Key: string
  readonly ServerSideEncryption?: 'aws:kms'
  readonly SSEKMSKeyId?: string
  readonly BucketKeyEnabled?: boolean
}

/** With a bucket key: one request to KMS for many objects. */
export const targetOf = async ({ bucket, kmsKeyOf }: BucketDeps, name: string): Promise<Target> => {
  const kmsKey = await kmsKeyOf?.(name)
  const target = { Bucket: bucket, Key: name }
  if (kmsKey === undefined) return target
  return { ...target, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKey, BucketKeyEnabled: true }
}
