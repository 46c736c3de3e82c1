// A failure inside an answer whose status is already sent: it becomes a report or an event, in the words
// that the same failure would have had as a status; what is a mistake of ours goes to the operator.

import { KafkaError } from '../base/errors.ts'
import type { HttpDeps } from './context.ts'
import { asKafkaError } from './errors.ts'
import type { RawContext } from './rawRoute.ts'

export function refuseUnexpected(
  deps: Pick<HttpDeps, 'reportFailure'>,
  c: RawContext,
  error: unknown,
): KafkaError {
  const known = asKafkaError(error)
  if (known !== undefined && known === error && known.code !== 'INTERNAL') return known
  deps.reportFailure(error, { method: c.req.method, path: c.req.path })
  return known ?? new KafkaError('INTERNAL', `Internal error, request id ${c.get('requestId')}`)
}
