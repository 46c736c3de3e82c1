// The routes of the deployment itself: for operators alone. Everybody else is refused the same way whatever is there.

import type { Context } from 'hono'
import { KafkaError } from '../base/errors.ts'
import type { Operator } from '../service/access.ts'
import type { AppEnv } from './context.ts'

export function operatorOf(c: Pick<Context<AppEnv>, 'var'>): Operator {
  const { operator, noteNoOperator } = c.var.access
  if (operator !== undefined) return operator
  noteNoOperator?.()
  throw new KafkaError('CLUSTER_AUTHORIZATION_FAILED', 'Only operators of this deployment may do that.')
}
