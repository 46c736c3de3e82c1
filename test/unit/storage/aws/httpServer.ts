// An HTTP server on 127.0.0.1 that gives the answers that it was told, one after the other and the last one ever after,
// or resets the connection, and keeps the JSON that it was sent.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'

export interface HttpServer {
  readonly endpoint: string
  readonly sent: Record<string, unknown>[]
  close(): Promise<void>
}

export type HttpAnswer = { readonly status: number; readonly body: object } | 'reset'

export const startHttpServer = async (...answers: readonly HttpAnswer[]): Promise<HttpServer> => {
  const sent: Record<string, unknown>[] = []
  const server = createServer((request, response) => {
    textOf(request).then(
      (text) => {
        const answer = answers[sent.length] ?? answers.at(-1)
        sent.push(JSON.parse(text))
        if (answer === undefined || answer === 'reset') {
          response.destroy()
          return
        }
        response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' })
        response.end(JSON.stringify(answer.body))
      },
      (error) => response.destroy(error),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    sent,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
