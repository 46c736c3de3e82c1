// The routes of the deployment itself: for operators, some of them for organisations too. Everybody else is refused the
// same way whatever is there.

import type { Context } from 'hono'
import { KafkaError } from '../base/errors.ts'
import type { Administration, Operator } from '../service/administration.ts'
import type { AppEnv } from './context.ts'

type Caller = Pick<Context<AppEnv>, 'var'>

export function operatorOf(c: Caller): Operator {
  const { operator } = c.var.access
  return operator ?? refuse(c, 'Only operators of this deployment may do that.')
}

/** Of all organisations, or of the caller's own. */
export function administrationOf(c: Caller): Administration {
  const { administration } = c.var.access
  const message =
    'Only operators of this deployment and holders of an API key of the organization may do that.'
  return administration ?? refuse(c, message)
}

function refuse(c: Caller, message: string): never {
  c.var.access.noteNoOperator?.()
  throw new KafkaError('CLUSTER_AUTHORIZATION_FAILED', message)
}
