// Each request to S3 and DynamoDB, told to the log and to the metrics. The log has it under the HTTP request that it
// was made for; what keys and names it was about is not told.

import type { StorageCall } from '../storage/aws/calls.ts'
import type { Logger, LogLevel } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** What takes longer is told even where single requests are not. */
const slowMs = 2000

export const reportStorage =
  (logger: Logger, metrics: Metrics) =>
  ({ operation, outcome, durationMs, capacityUnits }: StorageCall): void => {
    metrics.time('StorageTimeMs', operation, durationMs)
    if (outcome === 'failed') metrics.add('StorageFailures', 1)
    if (outcome === 'throttled') metrics.add('StorageThrottles', 1)
    const facts = { operation, outcome, ms: durationMs, capacityUnits }
    logger.log(levelOf(outcome, durationMs), 'storage request', facts)
  }

function levelOf(outcome: StorageCall['outcome'], durationMs: number): LogLevel {
  const isNotable = outcome === 'failed' || outcome === 'throttled' || durationMs > slowMs
  return isNotable ? 'WARN' : 'DEBUG'
}
