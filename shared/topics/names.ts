// Topic names: which are legal, and which two cannot live side by side. Refuses with INVALID_TOPIC_EXCEPTION
// and says why. A legal name is ASCII only, so that it is safe in a URL, in a table key and in a metric.
import { KafkaError } from '../base/errors.ts'

const nameLengthMax = 249

export function checkTopicName(name: string): void {
  const problem = findProblem(name)
  if (problem !== undefined)
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${problem}`)
}

export function isTopicName(name: string): boolean {
  return findProblem(name) === undefined
}

/** Written by the service alone: who did what in this cluster. */
export const auditTopicName = '__audit_log_events'

/** Whoever writes to one, or takes its place, would change what it says. */
export const isInternalTopic = (name: string): boolean => collisionKey(name) === auditTopicName

/** Two topics whose keys are equal collide: metrics cannot tell '.' from '_'. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}

function findProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return `"${name}" is not allowed`
  if (name.length > nameLengthMax) return `it has ${name.length} characters and ${nameLengthMax} are allowed`
  const position = name.search(/[^a-zA-Z0-9._-]/)
  if (position < 0) return undefined
  return `${quote(name, position)} at position ${position} is none of a-z, A-Z, 0-9, '.', '_' and '-'`
}

// By code point and escaped, so that a control character or half a surrogate pair can be read in the answer.
function quote(name: string, position: number): string {
  return JSON.stringify(String.fromCodePoint(name.codePointAt(position) ?? 0))
}
