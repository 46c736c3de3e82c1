// The one error of this package. It says what the service said: the status, the error code and the message, and
// whether the same call may succeed later. A call without an answer has status 0.

export interface ErrorDetails {
  readonly status: number
  readonly errorCode: number
  readonly retriable: boolean
  /** What the service wants to be left alone for. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  /** The HTTP status; 0: there was no answer, or the client refuses by itself. */
  readonly status: number
  /** The status, or five digits that begin with it; 0 where the service said none. */
  readonly errorCode: number
  readonly retriable: boolean
  readonly retryAfterMs: number

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? {} : { cause: details.cause })
    this.status = details.status
    this.errorCode = details.errorCode
    this.retriable = details.retriable
    this.retryAfterMs = details.retryAfterMs ?? 0
  }
}

/** The codes that the client goes by; all others mean their status. */
export const codes = {
  producerFenced: 403,
  sequenceGap: 409,
  offsetOutOfRange: 416,
  partitionNotFound: 40402,
  unknownTopic: 40403,
  unknownMember: 40406,
  fencedMemberEpoch: 40907,
  staleMemberEpoch: 40909,
  sequenceStored: 40910,
} as const

export function isRefusal(error: unknown, ...errorCodes: readonly number[]): boolean {
  return error instanceof MillraceError && errorCodes.includes(error.errorCode)
}

/** What the client itself has to say. */
export const localError = (message: string, cause?: unknown): MillraceError =>
  new MillraceError(message, { status: 0, errorCode: 0, retriable: false, cause })

export const noAnswer = (message: string, cause?: unknown): MillraceError =>
  new MillraceError(message, { status: 0, errorCode: 0, retriable: true, cause })

/** An answer that is a refusal, as an error; proxies on the way answer in other shapes. */
export function refusalOf(status: number, headers: Headers, text: string): MillraceError {
  const { errorCode, message } = parseBody(text)
  return new MillraceError(message ?? `HTTP ${status}`, {
    status,
    errorCode: errorCode ?? status,
    retriable: status === 408 || status === 429 || status >= 500,
    retryAfterMs: (Number(headers.get('retry-after')) || 0) * 1000,
  })
}

function parseBody(text: string): { readonly errorCode?: number; readonly message?: string } {
  try {
    const body: { readonly error_code?: unknown; readonly message?: unknown } | null = JSON.parse(text)
    const { error_code: errorCode, message } = body ?? {}
    return {
      ...(typeof errorCode === 'number' && { errorCode }),
      ...(typeof message === 'string' && { message }),
    }
  } catch {
    return {}
  }
}
