// The choices that show on the bill, in one place. Storage and requests are paid as they are used; nothing here costs
// anything while nobody calls, but the compactor's schedule, the key, the secrets, the dashboard and the alarms.

import { Duration } from 'aws-cdk-lib'
import { Architecture } from 'aws-cdk-lib/aws-lambda'

export const cost = {
  /** A fifth below x86, and the only one that Web Functions have. */
  architecture: Architecture.ARM_64,
  /** Requests that one environment serves at once, and so whose appends may share one PUT. */
  concurrencyPerEnvironment: 64,
  /** Event functions: enough processor for a cold start below half a second. */
  eventMemoryMb: 1024,
  /** An eighth of it is used; Lambda gives a whole processor from 1,769 MB on. */
  compactorMemoryMb: 2048,
  compactorTimeout: Duration.minutes(15),
  /** 43,200 invocations a month; `npm run cost` says what they cost where nothing is due. */
  compactionRateMinutes: 1,
  /** Parts of an upload that nobody finished. */
  abortUploadsAfter: Duration.days(1),
} as const
