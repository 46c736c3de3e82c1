// An object store on a small S3 server of its own, for one test. Time passes only for those who wait: back-offs take
// none, and a read is late when the test says so.
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { ObjectStore } from '../../../../shared/ports/objectStore.ts'
import type { Clock } from '../../../../shared/ports/world.ts'
import type { BucketDeps } from '../../../../shared/storage/aws/bucket.ts'
import type { StorageCall } from '../../../../shared/storage/aws/calls.ts'
import { createS3ObjectStore } from '../../../../shared/storage/aws/objectStore.ts'
import { type S3Server, startS3Server } from '../../../contract/s3Server.ts'

export interface TestClock extends Clock {
  /** Wakes those who wait with a signal: reads that would ask once more. */
  beLate(): void
}

export const createTestClock = (): TestClock => {
  let nowMs = 0
  const waiting = new Set<() => void>()
  return {
    now: () => nowMs,
    sleep: async (ms, signal) => {
      if (signal === undefined) {
        nowMs += ms
        return
      }
      await new Promise<void>((wake) => {
        waiting.add(wake)
        signal.addEventListener('abort', () => wake())
      })
    },
    beLate: () => {
      for (const wake of waiting) wake()
      waiting.clear()
    },
  }
}

export const middling = { float: () => 0.5, bytes: (length: number) => new Uint8Array(length) }

export interface Opened {
  readonly store: ObjectStore
  readonly server: S3Server
  readonly clock: TestClock
  readonly calls: StorageCall[]
}

export const clientSettings = (endpoint: string): S3ClientConfig => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  forcePathStyle: true,
  maxAttempts: 1,
})

export const withStore = async (
  run: (opened: Opened) => Promise<void>,
  { kmsKeyOf, ...settings }: S3ClientConfig & Pick<BucketDeps, 'kmsKeyOf'> = {},
): Promise<void> => {
  const server = await startS3Server('log')
  const client = new S3Client({ ...clientSettings(server.endpoint), ...settings })
  const clock = createTestClock()
  const calls: StorageCall[] = []
  const report = (call: StorageCall): void => {
    calls.push(call)
  }
  const deps = { client, bucket: 'log', clock, random: middling, report }
  const store = createS3ObjectStore(kmsKeyOf === undefined ? deps : { ...deps, kmsKeyOf })
  try {
    await run({ store, server, clock, calls })
  } finally {
    client.destroy()
    await server.close()
  }
}

export const repeat = (times: number, work: () => void): void => {
  for (let time = 0; time < times; time += 1) work()
}
