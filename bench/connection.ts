// One keep-alive HTTP/1.1 connection over a raw socket, as lean as a client can be: requests are ready bytes,
// answers are counted and not kept. Reads answers with a Content-Length only; a chunked one is refused.

import { once } from 'node:events'
import { connect } from 'node:net'

export interface Answer {
  readonly status: number
  /** The status line and the headers, in lower case. */
  readonly head: string
  readonly bodyBytes: number
}

export interface Connection {
  /** One request at a time. Rejects where the answer is not 200. */
  exchange(request: Uint8Array): Promise<Answer>
  close(): void
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

const receiveBytes = 256 * 1024
const headEnd = '\r\n\r\n'
const none = Buffer.alloc(0)

export async function openConnection(port: number): Promise<Connection> {
  let waiting: Waiting | undefined
  const parser = createAnswerParser((answer) => {
    const { resolve } = waiting ?? {}
    waiting = undefined
    resolve?.(answer)
  })
  const fail = (error: Error): void => {
    waiting?.reject(error)
    waiting = undefined
    socket.destroy()
  }
  // The buffer is used again for every read: nothing is allocated for what is only counted.
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(receiveBytes),
      callback: (length, buffer) => {
        try {
          parser(Buffer.from(buffer.buffer, buffer.byteOffset, length))
        } catch (error) {
          fail(error instanceof Error ? error : new Error(String(error)))
        }
        return true
      },
    },
  })
  await once(socket, 'connect')
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the server closed the connection')))
  return {
    exchange(request) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      waiting = { resolve, reject }
      socket.write(request)
      return promise
    },
    close: () => {
      socket.destroy()
    },
  }
}

/** Calls `done` for each whole answer of 200; throws at the first other one, with its beginning. */
function createAnswerParser(done: (answer: Answer) => void): (chunk: Buffer) => void {
  let head: Buffer = none
  let current: Answer | undefined
  let left = 0
  return (chunk) => {
    let body = chunk
    if (current === undefined) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      const end = head.indexOf(headEnd)
      if (end === -1) {
        head = Buffer.from(head)
        return
      }
      body = head.subarray(end + headEnd.length)
      current = parseHead(head.toString('latin1', 0, end).toLowerCase())
      left = current.bodyBytes
      head = none
    }
    if (current.status !== 200)
      throw new Error(`answered ${current.status}: ${body.toString('latin1', 0, 500)}`)
    if (body.length > left) throw new Error('the server sent more than one answer')
    left -= body.length
    if (left > 0) return
    const answer = current
    current = undefined
    done(answer)
  }
}

function parseHead(head: string): Answer {
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1]
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`)
  return { status: Number(head.slice(9, 12)), head, bodyBytes: Number(length) }
}
