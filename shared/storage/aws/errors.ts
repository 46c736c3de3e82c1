// What an error of the AWS SDK says about the call's effect. "none" only where that is certain: the service
// refused the request, or nothing was sent. Whatever else is wrong (a time-out, a reset, a 5xx, an answer
// that cannot be read) may have happened after the write: "unknown".
import { StorageError } from '../../base/errors.ts'

const throttlings = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'SlowDown',
  'ThrottlingError',
  'ThrottlingException',
  'TooManyRequestsException',
])

/** Before any byte of the request left. */
const unsentCodes = new Set(['ECONNREFUSED', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND'])
const unsentNames = new Set(['CredentialsProviderError'])

/** The same transaction is still running. */
const unknownNames = new Set(['TransactionInProgressException'])

/** A read has no effect, however it fails. */
export const readFailure = (service: string, error: unknown): StorageError =>
  new StorageError('none', messageOf(service, error), { cause: error, throttled: isThrottled(error) })

export const writeFailure = (service: string, error: unknown): StorageError =>
  new StorageError(effectOf(error), messageOf(service, error), {
    cause: error,
    throttled: isThrottled(error),
  })

export const statusOf = (error: unknown): number | undefined => {
  const metadata = fieldOf(error, '$metadata')
  const status = fieldOf(metadata, 'httpStatusCode')
  return typeof status === 'number' ? status : undefined
}

export const nameOf = (error: unknown): string => String(fieldOf(error, 'name') ?? '')

const effectOf = (error: unknown): 'none' | 'unknown' => {
  const name = nameOf(error)
  if (unknownNames.has(name)) return 'unknown'
  if (isThrottled(error) || unsentNames.has(name)) return 'none'
  if (unsentCodes.has(String(fieldOf(error, 'code')))) return 'none'
  const status = statusOf(error)
  return status !== undefined && status >= 400 && status < 500 ? 'none' : 'unknown'
}

const isThrottled = (error: unknown): boolean => throttlings.has(nameOf(error))

const messageOf = (service: string, error: unknown): string =>
  `${service}: ${nameOf(error)}: ${error instanceof Error ? error.message : String(error)}`

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
