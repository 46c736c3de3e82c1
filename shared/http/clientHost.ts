// The address at the other end of the connection, which Kafka shows of a group's members. Empty where there is none to
// ask: a function is called by the cloud. Nothing is decided by it.

import { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import type { AppEnv } from './context.ts'

export function clientHostOf(c: Context<AppEnv>): string {
  const env: unknown = c.env
  const incoming = typeof env === 'object' && env !== null && 'incoming' in env ? env.incoming : undefined
  if (!(incoming instanceof IncomingMessage)) return ''
  // A socket that takes both kinds shows an IPv4 address inside an IPv6 one.
  return (incoming.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
}
