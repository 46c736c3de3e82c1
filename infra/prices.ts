// AWS's list prices in us-east-1, in USD, beyond free tiers, as public pages had them in 2026; they were never compared
// with a bill. Web Functions are billed by request, active processor time and memory used: their rates were nowhere to
// be found, so nothing here knows them.

const million = 1_000_000
const gibibyte = 1024 ** 3

/** Each for one. */
export const prices = {
  s3Put: 5 / million,
  s3Get: 0.4 / million,
  tableWriteUnit: 0.625 / million,
  tableReadUnit: 0.125 / million,
  /** With its router function. */
  frontDoorRequest: (1 + 0.1) / million,
  eventFunctionRequest: 0.2 / million,
  /** Of a gigabyte of memory, arm64. */
  eventFunctionSecond: 0.000_013_333_4,
  scheduledEvent: 1 / million,
  logByte: 0.5 / gibibyte,
} as const

/** Each for a gibibyte. */
export const pricesByBytes = {
  intoFunctions: 0.02,
  outToTheWorld: 0.085,
  s3Month: 0.023,
  tableMonth: 0.25,
  tableRecoveryMonth: 0.2,
} as const

/** Each for a month. */
export const pricesByMonth = {
  kmsKey: 1,
  secret: 0.4,
  alarmMetric: 0.1,
  dashboard: 3,
  metric: 0.3,
} as const
