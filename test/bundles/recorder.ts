// Stands before an emulator and notes which AWS calls pass.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AwsCall, awsCallsOf } from './awsCalls.ts'

export interface Recorder {
  readonly endpoint: string
  close(): Promise<void>
}

export async function startRecorder(target: string, calls: AwsCall[]): Promise<Recorder> {
  const pass = async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const { method = 'GET', headers } = incoming
    const url = new URL(incoming.url ?? '', target)
    calls.push(...awsCallsOf({ method, url, headers, body: body.toString('latin1') }))
    const outgoing = request(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    // Who was killed waits for no answer.
    response.on('close', () => outgoing.destroy())
    outgoing.end(body)
  }
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
