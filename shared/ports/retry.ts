// The engine's retry of storage calls. The SDK's own is off, and the adapters repeat only what their service refused
// for a reason that passes by itself. Repeats what certainly had no effect, with back-off; what may have had an effect
// is repeated only where the caller says that twice does no harm.

import { KafkaError, StorageError } from '../base/errors.ts'
import type { Clock, Random } from './world.ts'

export interface RetryDeps {
  readonly clock: Clock
  readonly random: Random
}

const attemptsMax = 6
const backoffMsMin = 10
const backoffMsMax = 500

/** Fails with KAFKA_STORAGE_ERROR when every attempt had no effect; an error of unknown effect goes to the caller. */
export const retryWithoutEffect = <T>(deps: RetryDeps, call: () => Promise<T>): Promise<T> =>
  retry(deps, call, (error) => error.effect === 'none')

/** For calls that may be carried out twice and are nothing by themselves: reads, and puts that a later write names. */
export const retryRepeatable = <T>(deps: RetryDeps, call: () => Promise<T>): Promise<T> =>
  retry(deps, call, () => true)

/** For writes that may be carried out twice and show: given up after a lost answer, they may have happened. */
export async function retryRepeatableWrite<T>(deps: RetryDeps, write: () => Promise<T>): Promise<T> {
  let answerLost = false
  const noticing = async () => {
    try {
      return await write()
    } catch (error) {
      answerLost ||= error instanceof StorageError && error.effect === 'unknown'
      throw error
    }
  }
  try {
    return await retryRepeatable(deps, noticing)
  } catch (error) {
    throw answerLost && error instanceof KafkaError ? mayHaveHappened() : error
  }
}

/** Milliseconds before attempt `attempt` (1 is the second one): exponential, with jitter. */
export function backoffMs(attempt: number, random: Random): number {
  return Math.min(backoffMsMax, backoffMsMin * 2 ** (attempt - 1)) * (0.5 + random.float() / 2)
}

async function retry<T>(
  { clock, random }: RetryDeps,
  call: () => Promise<T>,
  mayRepeat: (error: StorageError) => boolean,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof StorageError) || !mayRepeat(error)) throw error
      if (attempt === attemptsMax) throw storageUnavailable(error)
      await clock.sleep(backoffMs(attempt, random))
    }
  }
}

export const mayHaveHappened = (): KafkaError =>
  new KafkaError(
    'REQUEST_TIMED_OUT',
    'The storage did not answer: the change may have been made. Look before you try again.',
  )

/** P3: the storage's trouble, as Kafka names it; retriable, nothing was stored. */
function storageUnavailable(cause: StorageError): KafkaError {
  return new KafkaError(
    'KAFKA_STORAGE_ERROR',
    `The request could not be carried out: ${why(cause)}. Try again.`,
  )
}

function why({ throttled, keyRefused }: StorageError): string {
  if (keyRefused) return "the KMS key of the cluster's records is disabled, deleted or not allowed to be used"
  return throttled ? 'the storage is throttling' : 'the storage does not answer'
}
