// The connections of a process to AWS: enough for all that it serves at once, and none that may have died while it was
// frozen. The first bytes on such a one are lost without a word, and a write among them leaves its caller not knowing.

import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Clock } from '../ports/world.ts'

export interface Connections {
  /** As the AWS SDK's handlers of requests want them. Plain HTTP is for emulators. */
  readonly agents: { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent }
  /** One invocation of an event function, between which its process is frozen. */
  invocation<T>(serve: () => Promise<T>): Promise<T>
}

/** To one host. An environment serves 128 requests at once, of which one may ask for several objects. */
const connectionsMax = 256

/** S3 and DynamoDB hang up after some seconds of silence, and do not say how many. */
const silenceMsMax = 3000

export function createConnections(clock: Pick<Clock, 'now'>): Connections {
  const options = { keepAlive: true, maxSockets: connectionsMax }
  const agents = { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(options) }
  let silentSinceMs = clock.now()
  return {
    agents,
    async invocation(serve) {
      if (clock.now() - silentSinceMs > silenceMsMax) Object.values(agents).forEach(closeIdle)
      try {
        return await serve()
      } finally {
        silentSinceMs = clock.now()
      }
    },
  }
}

function closeIdle({ freeSockets }: HttpAgent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy()
}
