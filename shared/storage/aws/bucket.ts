// The bucket that the object port's functions work on, and what is sent along with every object that is stored.
import type { S3Client } from '@aws-sdk/client-s3'
import type { CallDeps } from './calls.ts'

export interface BucketDeps extends CallDeps {
  /** With maxAttempts 1. */
  readonly client: S3Client
  readonly bucket: string
  /** Objects are encrypted under this key, with a bucket key; without it as the bucket says. */
  readonly kmsKeyId?: string
}

export const encryptionOf = ({ kmsKeyId }: BucketDeps) =>
  kmsKeyId === undefined
    ? {}
    : { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true }
