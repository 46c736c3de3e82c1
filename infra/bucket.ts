// A bucket that is nobody's but ours: what holds for all of them.

import {
  BlockPublicAccess,
  Bucket,
  type BucketProps,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { acknowledge, guard } from './acknowledge.ts'

export function createBucket(scope: Construct, id: string, props: BucketProps): IBucket {
  const bucket: unknown = new Bucket(scope, id, {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    ...props,
  })
  if (!isBucket(bucket)) throw new Error(`${id} is no bucket`)
  acknowledge(bucket, {
    [guard('s3_event_notifications_enabled_check')]: 'nothing waits for an object: the table tells',
  })
  return bucket
}

/** The library's class lacks `undefined` where exact optional properties ask for it, so the compiler has to be told. */
const isBucket = (value: unknown): value is IBucket => value instanceof Bucket
