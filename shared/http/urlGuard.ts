// A URL means one thing: what is no percent-encoded UTF-8 would be a name to one and its bytes to another, and two
// spellings would name the same. Refused before anything looks at it.

import type { MiddlewareHandler } from 'hono'
import { KafkaError } from '../base/errors.ts'

export const guardUrl: MiddlewareHandler = async (c, next) => {
  if (!isDecodable(c.req.url)) {
    throw new KafkaError('BAD_REQUEST', 'The URL is not percent-encoded UTF-8.')
  }
  await next()
}

function isDecodable(url: string): boolean {
  if (!url.includes('%')) return true
  try {
    decodeURIComponent(url)
    return true
  } catch {
    return false
  }
}
