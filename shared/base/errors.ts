// Every error that Millrace answers with, once: Kafka's name and number, the HTTP status, the REST error code, whether
// a client may try again, and whether the refused write may have happened all the same ("unknown") or not ("none").
// Sources: Kafka's Errors (names, numbers, retriable), Confluent REST's error codes (restCode).

interface ErrorRow {
  /** Kafka's numeric code; -1 where Kafka has no name for it. */
  readonly kafka: number
  readonly status: number
  /** `error_code` of a v3 answer: the status itself, or five digits beginning with it. */
  readonly rest: number
  readonly retriable: boolean
  readonly effect: 'none' | 'unknown'
}

const row = (
  kafka: number,
  status: number,
  rest: number = status,
  retriable = false,
  effect: 'none' | 'unknown' = 'none',
): ErrorRow => ({ kafka, status, rest, retriable, effect })

export const errorTable = {
  // Kafka's own.
  OFFSET_OUT_OF_RANGE: row(1, 416),
  CORRUPT_MESSAGE: row(2, 400, 40002),
  UNKNOWN_TOPIC_OR_PARTITION: row(3, 404, 40403),
  MESSAGE_TOO_LARGE: row(10, 413),
  OFFSET_METADATA_TOO_LARGE: row(12, 400, 40002),
  INVALID_TOPIC_EXCEPTION: row(17, 400, 40002),
  RECORD_LIST_TOO_LARGE: row(18, 413),
  INVALID_GROUP_ID: row(24, 400, 40002),
  UNKNOWN_MEMBER_ID: row(25, 404, 40406),
  TOPIC_AUTHORIZATION_FAILED: row(29, 403, 40301),
  GROUP_AUTHORIZATION_FAILED: row(30, 403, 40301),
  CLUSTER_AUTHORIZATION_FAILED: row(31, 403, 40301),
  INVALID_TIMESTAMP: row(32, 400, 40002),
  TOPIC_ALREADY_EXISTS: row(36, 400, 40002),
  INVALID_PARTITIONS: row(37, 400, 40002),
  INVALID_REPLICATION_FACTOR: row(38, 400, 40002),
  INVALID_CONFIG: row(40, 400, 40002),
  INVALID_REQUEST: row(42, 400, 40002),
  POLICY_VIOLATION: row(44, 400, 40002),
  OUT_OF_ORDER_SEQUENCE_NUMBER: row(45, 409),
  DUPLICATE_SEQUENCE_NUMBER: row(46, 409, 40910),
  INVALID_PRODUCER_EPOCH: row(47, 403),
  SECURITY_DISABLED: row(54, 400, 40002),
  KAFKA_STORAGE_ERROR: row(56, 503, 50003, true),
  NON_EMPTY_GROUP: row(68, 409, 40904),
  GROUP_ID_NOT_FOUND: row(69, 404, 40405),
  TOPIC_DELETION_DISABLED: row(73, 400, 40002),
  UNSUPPORTED_COMPRESSION_TYPE: row(76, 400, 40002),
  GROUP_MAX_SIZE_REACHED: row(81, 403, 40302),
  FENCED_INSTANCE_ID: row(82, 409, 40905),
  GROUP_SUBSCRIBED_TO_TOPIC: row(86, 409, 40906),
  INVALID_RECORD: row(87, 400, 40002),
  THROTTLING_QUOTA_EXCEEDED: row(89, 429, 429, true),
  RESOURCE_NOT_FOUND: row(91, 404),
  DUPLICATE_RESOURCE: row(92, 400, 40002),
  UNACCEPTABLE_CREDENTIAL: row(93, 400, 40002),
  FENCED_MEMBER_EPOCH: row(110, 409, 40907),
  UNRELEASED_INSTANCE_ID: row(111, 409, 40908),
  UNSUPPORTED_ASSIGNOR: row(112, 400, 40002),
  STALE_MEMBER_EPOCH: row(113, 409, 40909),
  INVALID_REGULAR_EXPRESSION: row(128, 400, 40002),
  // The write may have been stored: only an idempotent producer may repeat it without looking first.
  REQUEST_TIMED_OUT: row(7, 504, 50003, true, 'unknown'),
  // Confluent's, of v2 consumer instances.
  CONSUMER_CONFIG_CONSTRAINT: row(-1, 400, 40001),
  CONSUMER_NOT_FOUND: row(-1, 404, 40403),
  CONSUMER_FORMAT_MISMATCH: row(-1, 406, 40601),
  CONSUMER_ALREADY_EXISTS: row(-1, 409, 40902),
  CONSUMER_ILLEGAL_STATE: row(-1, 409, 40903),
  CONSUMER_IN_USE: row(-1, 409, 409, true),
  INVALID_CONSUMER_CONFIG: row(-1, 422, 42204),
  // HTTP's own.
  BAD_REQUEST: row(42, 400),
  UNAUTHENTICATED: row(58, 401, 40101),
  NOT_FOUND: row(-1, 404),
  PARTITION_NOT_FOUND: row(3, 404, 40402),
  METHOD_NOT_ALLOWED: row(-1, 405),
  NOT_ACCEPTABLE: row(-1, 406),
  REQUEST_BODY_TIMEOUT: row(-1, 408),
  // Redpanda's: a record that the asked format cannot show.
  SERIALIZATION: row(-1, 408, 40801),
  PAYLOAD_TOO_LARGE: row(-1, 413),
  UNSUPPORTED_MEDIA_TYPE: row(-1, 415),
  UNPROCESSABLE: row(-1, 422),
  JSON_CONVERSION: row(-1, 422, 42203),
  INVALID_SCHEMA: row(-1, 422, 42205),
  PRODUCE_BATCH: row(-1, 422, 42208),
  SERVICE_BUSY: row(-1, 503, 503, true),
  INTERNAL: row(-1, 500),
} as const satisfies Record<string, ErrorRow>

export type ErrorName = keyof typeof errorTable

/**
 * The one error class: what ends a request or refuses a record. `message` is for the client and never holds record
 * data.
 */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly code: ErrorName
  /** Facts that a dialect puts into headers or fields, such as the expected sequence. */
  readonly details: Readonly<Record<string, string | number>>

  constructor(code: ErrorName, message: string, details: Readonly<Record<string, string | number>> = {}) {
    // Of what a client did wrong nobody follows the calls, and to note them costs more than the rest of a refusal.
    const { stackTraceLimit } = Error
    if (errorTable[code].status < 500) Error.stackTraceLimit = Math.min(1, stackTraceLimit)
    super(message)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.details = details
  }

  get row(): ErrorRow {
    return errorTable[this.code]
  }
}

/**
 * What a storage port throws: the call failed and had no effect ("none"), or its answer was lost and it may have been
 * carried out ("unknown"). Nothing turns "unknown" into "none".
 */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly effect: 'none' | 'unknown'
  readonly throttled: boolean
  /** The key under which the bytes are encrypted may not be used: its owner's to change, and nobody else's. */
  readonly keyRefused: boolean

  constructor(
    effect: 'none' | 'unknown',
    message: string,
    options: { cause?: unknown; throttled?: boolean; keyRefused?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.effect = effect
    this.throttled = options.throttled ?? false
    this.keyRefused = options.keyRefused ?? false
  }
}

/** Stops on a mistake of our own. On in production: a broken invariant must not be stored. */
export function invariant(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${sentence}`)
}
