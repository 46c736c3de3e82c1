// Lambda's Invoke over HTTP on 127.0.0.1, for one function: it checks no signatures. What the function throws is
// answered as Lambda does: 200, with X-Amz-Function-Error and the message. A Refusal is answered by Lambda itself.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { LambdaClient } from '@aws-sdk/client-lambda'

export class Refusal extends Error {
  readonly status: number
  constructor(status: number, type: string) {
    super(type)
    this.status = status
  }
}

export interface LambdaServer {
  readonly endpoint: string
  readonly client: LambdaClient
  /** "POST /path?query" of each invocation. */
  readonly requests: readonly string[]
  invocationsAtOnceMost(): number
  close(): Promise<void>
}

export async function startLambdaServer(invoke: (event: unknown) => Promise<unknown>): Promise<LambdaServer> {
  const requests: string[] = []
  let running = 0
  let most = 0
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`)
    most = Math.max(most, ++running)
    try {
      response.end(JSON.stringify((await invoke(JSON.parse(await textOf(request)))) ?? null))
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error)
      const isRefused = error instanceof Refusal
      response.writeHead(
        isRefused ? error.status : 200,
        isRefused ? { 'X-Amzn-ErrorType': errorMessage } : { 'X-Amz-Function-Error': 'Unhandled' },
      )
      response.end(JSON.stringify({ errorType: 'Error', errorMessage }))
    } finally {
      running--
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const endpoint = `http://127.0.0.1:${address.port}`
  const client = new LambdaClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  return {
    endpoint,
    client,
    requests,
    invocationsAtOnceMost: () => most,
    close: async () => {
      client.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
