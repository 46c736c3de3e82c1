// Structured lines for the operator, one JSON object each, with the fields that Lambda's log filters go by. Never
// record data, never a secret: what is logged is named field by field where it is logged.
//
//   {"timestamp", "level", "message", …of the process, "requestId", "traceId" of the request, …of the line, "error"}

import { currentRequest } from './requestContext.ts'

export const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const
export type LogLevel = (typeof logLevels)[number]
export type Facts = Readonly<Record<string, unknown>>

export interface Logger {
  log(level: LogLevel, message: string, facts?: Facts): void
  /** A failure of ours, at level ERROR. */
  failure(message: string, error: unknown, facts?: Facts): void
  /** For what is costly to put together. */
  isOn(level: LogLevel): boolean
}

export interface LoggerDeps {
  readonly level: LogLevel
  /** Of every line. */
  readonly facts: Facts
  readonly write: (line: string) => void
}

export function createLogger({ level: least, facts: always, write }: LoggerDeps): Logger {
  const isOn = (level: LogLevel) => logLevels.indexOf(level) >= logLevels.indexOf(least)
  const log = (level: LogLevel, message: string, facts: Facts = {}) => {
    if (!isOn(level)) return
    const { requestId, traceId } = currentRequest() ?? {}
    const timestamp = new Date().toISOString()
    write(`${JSON.stringify({ timestamp, level, message, ...always, requestId, traceId, ...facts })}\n`)
  }
  return {
    log,
    isOn,
    failure: (message, error, facts) => log('ERROR', message, { ...facts, error: troubleOf(error) }),
  }
}

function troubleOf(error: unknown): Facts {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack, cause } = error
  return { name, message, stack, ...(cause === undefined ? {} : { cause: String(cause) }) }
}

const standardError = createLogger({ level: 'INFO', facts: {}, write: (line) => process.stderr.write(line) })

/** On one machine: what goes wrong, on standard error. */
export const logFailure: Logger['failure'] = standardError.failure

/** Likewise what operators did, and who tried to get in. */
export const logAudit = (event: object): void => standardError.log('INFO', 'audit', { event })
