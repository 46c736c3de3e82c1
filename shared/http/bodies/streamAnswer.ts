// An answer that is written while it comes into being. Its first part is awaited before the status is sent,
// so that what is wrong from the start has a status of its own. It ends when `run` ends, and `run` is told
// when the client has gone. Until then the request is under way.

import type { HttpDeps } from '../context.ts'
import type { RawContext } from '../rawRoute.ts'
import { pacedBody } from './pacedBody.ts'

const encoder = new TextEncoder()

export async function streamAnswer(
  c: RawContext,
  deps: HttpDeps,
  headers: Readonly<Record<string, string>>,
  run: (signal: AbortSignal) => AsyncGenerator<string>,
): Promise<Response> {
  const gone = new AbortController()
  const end = c.get('endLater')()
  const leave = (): void => {
    gone.abort()
    end()
  }
  const client = c.req.raw.signal
  if (client.aborted) leave()
  else client.addEventListener('abort', leave, { once: true })
  const parts = endingWith(run(gone.signal), () => {
    client.removeEventListener('abort', leave)
    end()
  })
  let first: IteratorResult<string> | undefined = await parts.next()
  // Nobody reads the body, and nobody says so.
  if (c.req.method === 'HEAD') await parts.return(undefined)
  const body = pacedBody(c, deps, {
    async next() {
      const part = first ?? (await parts.next())
      first = undefined
      return part.done === true ? undefined : encoder.encode(part.value)
    },
    async cancel() {
      leave()
      await parts.return(undefined)
    },
  })
  return new Response(body, { headers })
}

async function* endingWith(parts: AsyncGenerator<string>, end: () => void): AsyncGenerator<string> {
  try {
    yield* parts
  } finally {
    end()
  }
}
