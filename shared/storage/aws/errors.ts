// What an error of the AWS SDK says about the call's effect. "none" only where that is certain: the service refused
// the request, or nothing of it was sent. Whatever else is wrong (a time-out, a reset, a 5xx, an answer that cannot be
// read) may have happened after the write: "unknown".
import { StorageError } from '../../base/errors.ts'

type Effect = StorageError['effect']

/** 503 SlowDown among them: S3 turns such a request away before it does anything. */
const throttlings = new Set([
  'ProvisionedThroughputExceeded',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'SlowDown',
  'ThrottlingError',
  'ThrottlingException',
  'TooManyRequestsException',
])

const cancelled = 'TransactionCanceledException'
const conflicts = new Set([
  'ConditionalRequestConflict',
  'ReplicatedWriteConflictException',
  'TransactionConflict',
  'TransactionConflictException',
])

/** S3 hands on KMS's own codes where the key is disabled or being deleted, and a sentence where a policy forbids it. */
const isKeyRefused = (error: unknown): boolean =>
  nameOf(error).startsWith('KMS.') || (nameOf(error) === 'AccessDenied' && messageIn(error).includes(' kms:'))

/** Before any byte of the request left: the name was not found, nobody listened, there was no way. */
const unsentCodes = new Set(['EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND'])
const unsentCalls = new Set(['connect', 'getaddrinfo'])
const unsentNames = new Set(['CredentialsProviderError'])
/** The SDK's words for a connection that was not made in time: it has the name of every time-out, and no code. */
const unconnected = 'did not establish a connection'

/** The same transaction is still running. */
const inProgress = 'TransactionInProgressException'

/** A read has no effect, however it fails. */
export const readFailure = (service: string, error: unknown): StorageError => failure(service, error, 'none')

export const writeFailure = (service: string, error: unknown): StorageError =>
  failure(service, error, effectOf(error))

export const effectOf = (error: unknown): Effect => {
  if (error instanceof StorageError) return error.effect
  if (nameOf(error) === inProgress) return 'unknown'
  if (isThrottled(error) || isUnsent(error)) return 'none'
  const status = statusOf(error)
  return status !== undefined && status >= 400 && status < 500 ? 'none' : 'unknown'
}

/** Refused without effect because of too many requests. */
export const isThrottled = (error: unknown): boolean => {
  if (error instanceof StorageError) return error.throttled
  return throttlings.has(nameOf(error)) || cancellationCodes(error).some((code) => throttlings.has(code))
}

/** Refused without effect because of another write that was under way. */
export const isConflict = (error: unknown): boolean =>
  conflicts.has(nameOf(error)) || cancellationCodes(error).some((code) => conflicts.has(code))

export const isAborted = (error: unknown): boolean => nameOf(error) === 'AbortError'

/** Why a transaction was cancelled, item by item; empty where this is not about a cancelled transaction. */
const cancellationCodes = (error: unknown): readonly string[] => {
  const reasons = nameOf(error) === cancelled ? fieldOf(error, 'CancellationReasons') : []
  return Array.isArray(reasons) ? reasons.map((reason) => String(fieldOf(reason, 'Code') ?? 'None')) : []
}

export const statusOf = (error: unknown): number | undefined => {
  const metadata = fieldOf(error, '$metadata')
  const status = fieldOf(metadata, 'httpStatusCode')
  return typeof status === 'number' ? status : undefined
}

export const nameOf = (error: unknown): string => String(fieldOf(error, 'name') ?? '')

const failure = (service: string, error: unknown, effect: Effect): StorageError => {
  if (error instanceof StorageError) return error
  return new StorageError(effect, messageOf(service, error), {
    cause: error,
    throttled: isThrottled(error),
    keyRefused: isKeyRefused(error),
  })
}

/** Where a name has several addresses, each attempt to connect has failed. */
const isUnsent = (error: unknown): boolean => {
  if (error instanceof AggregateError) return error.errors.every(isUnsent)
  if (unsentNames.has(nameOf(error)) || messageIn(error).includes(unconnected)) return true
  const code = String(fieldOf(error, 'code'))
  return unsentCodes.has(code) || unsentCalls.has(String(fieldOf(error, 'syscall')))
}

const messageOf = (service: string, error: unknown): string => {
  const codes = cancellationCodes(error)
  const reasons = codes.length === 0 ? '' : ` (${codes.join(', ')})`
  return `${service}: ${nameOf(error)}: ${messageIn(error)}${reasons}`
}

const messageIn = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
