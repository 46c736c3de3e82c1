// The way in on AWS: requests come from the front door, which adds a secret and says by which name it was called.
// Without the secret a request is refused before anything is done about it: nobody calls a function around the door.

import { createHash, timingSafeEqual } from 'node:crypto'
import { calledHostHeader, clientAddressHeader, originSecretHeader } from './frontDoorHeaders.ts'

export type Fetch = (request: Request, env?: object) => Response | Promise<Response>

/** Of several secrets each opens: so that one can be replaced while functions and front door are deployed. */
export function behindFrontDoor(secrets: readonly string[], fetch: Fetch): Fetch {
  const digests = secrets.map(digest)
  return (request, env) => {
    const given = digest(request.headers.get(originSecretHeader) ?? '')
    if (!digests.some((expected) => timingSafeEqual(given, expected))) return refuse()
    const host = request.headers.get(calledHostHeader)
    return fetch(host !== null && isHost(host) ? calledAs(request, host) : request, env)
  }
}

/** The client's address, of a request that came through the door: others may write what they like. */
export const clientAddress = (request: Request): string => request.headers.get(clientAddressHeader) ?? ''

/** Of equal length, as the comparison wants them. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

function refuse(): Response {
  const message = 'HTTP 403 Forbidden: this is not the address of the service'
  return Response.json({ error_code: 403, message }, { status: 403 })
}

const isHost = (text: string): boolean => /^[\w.-]{1,253}(:\d{1,5})?$/.test(text)

/** Links in answers are absolute. A property of its own, because a new request would copy the body. */
function calledAs(request: Request, host: string): Request {
  const { pathname, search } = new URL(request.url)
  return Object.defineProperty(request, 'url', { value: `https://${host}${pathname}${search}` })
}
