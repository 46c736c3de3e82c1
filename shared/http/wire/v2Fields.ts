// What the v2 dialect refuses in a body it refuses in these words: 422, and the place.

import { KafkaError } from '../../base/errors.ts'
import type { JsonObject } from './json.ts'

/** Confluent's 422; a misspelt field is better refused than forgotten. */
export function refuseUnknown(object: JsonObject, known: readonly string[], where: string): void {
  const unknown = Object.keys(object).find((field) => !known.includes(field))
  if (unknown !== undefined) throw refuse(`${where}${unknown.slice(0, 80)}`, 'is an unrecognized field')
}

export function refuse(where: string, trouble: string): KafkaError {
  return new KafkaError('UNPROCESSABLE', `${where} ${trouble}`)
}
