// Subscriptions by pattern: RE2's syntax, which matches in linear time whatever a client sends. A pattern stands for
// the topics whose whole name it matches.

import { RE2JS } from 're2js'
import { KafkaError } from '../base/errors.ts'

/** Kafka sets no bound; a pattern is kept with its group, and compiled by every process that meets it. */
const patternLengthMax = 1_000
/** A few characters may repeat others a thousand times; a literal of all that are allowed comes to as many steps. */
const patternStepsMax = 2_000
const patternsRemembered = 100

const remembered = new Map<string, RE2JS>()

/** Error: INVALID_REGULAR_EXPRESSION. */
export function topicPattern(source: string): (topicName: string) => boolean {
  const pattern = remembered.get(source) ?? compile(source)
  remembered.delete(source)
  remembered.set(source, pattern)
  for (const oldest of remembered.keys()) {
    if (remembered.size <= patternsRemembered) break
    remembered.delete(oldest)
  }
  return (topicName) => pattern.testExact(topicName)
}

function compile(source: string): RE2JS {
  if (source.length > patternLengthMax) {
    throw invalid(`it has ${source.length} characters and ${patternLengthMax} are allowed`)
  }
  const pattern = parse(source)
  const steps = pattern.programSize()
  if (steps <= patternStepsMax) return pattern
  throw invalid(`it comes to ${steps} steps and ${patternStepsMax} are allowed`)
}

function parse(source: string): RE2JS {
  try {
    return RE2JS.compile(source)
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
}

const invalid = (why: string): KafkaError =>
  new KafkaError(
    'INVALID_REGULAR_EXPRESSION',
    `SubscribedTopicRegex is not a valid regular expression: ${why}.`,
  )
