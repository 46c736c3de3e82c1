// An answer that is written while it comes into being. Its first part is awaited before the status is sent,
// so that what is wrong from the start has a status of its own. It ends when `run` ends, and `run` is told
// when the client has gone. Until then the request is under way.

import type { RawContext } from './rawRoute.ts'

const encoder = new TextEncoder()

export async function streamAnswer(
  c: RawContext,
  headers: Readonly<Record<string, string>>,
  run: (signal: AbortSignal) => AsyncGenerator<string>,
): Promise<Response> {
  const gone = new AbortController()
  // Of the answer to a HEAD nobody reads the body, and nobody says so.
  const end = c.req.method === 'HEAD' ? () => {} : c.get('endLater')()
  const leave = (): void => {
    gone.abort()
    end()
  }
  const client = c.req.raw.signal
  if (client.aborted) leave()
  else client.addEventListener('abort', leave, { once: true })
  const parts = endingWith(run(gone.signal), end)
  let first: IteratorResult<string> | undefined = await parts.next()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const part = first ?? (await parts.next())
      first = undefined
      if (part.done !== true) return controller.enqueue(encoder.encode(part.value))
      client.removeEventListener('abort', leave)
      controller.close()
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
