// The client's address, in its one spelling: bindings are for one, and Kafka shows it of a group's members. Empty where
// nobody knows it.

import { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { canonicalAddress } from '../base/ipAddress.ts'
import type { AppDeps, AppEnv } from './context.ts'

export function clientHostOf(
  c: Pick<Context<AppEnv>, 'env' | 'req'>,
  { clientAddress }: Pick<AppDeps, 'clientAddress'>,
): string {
  const address = clientAddress ? clientAddress(c.req.raw) : connectedAddress(c.env)
  return canonicalAddress(address) ?? ''
}

function connectedAddress(env: unknown): string {
  const incoming = typeof env === 'object' && env !== null && 'incoming' in env ? env.incoming : undefined
  return incoming instanceof IncomingMessage ? (incoming.socket.remoteAddress ?? '') : ''
}
