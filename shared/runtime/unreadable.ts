// What a client gets that does not speak HTTP, or says more in its headers than is read: an answer in the shape of all
// others, and the end of the connection. Nothing of what it sent is repeated.

import type { Server } from 'node:http'
import { Socket } from 'node:net'

const refusals: Readonly<Record<string, { readonly status: string; readonly message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: 'HTTP 431 Request Header Fields Too Large: at most 16 KiB of headers are read',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    message: 'HTTP 408 Request Timeout: the headers did not come in time',
  },
}
const malformed = {
  status: '400 Bad Request',
  message: 'HTTP 400 Bad Request: this is not well-formed HTTP/1.1',
}

export function answerUnreadable(server: Server): void {
  server.on('clientError', (error: Error & { readonly code?: string }, socket) => {
    // In the middle of an answer it would be taken for a part of it.
    if (socket instanceof Socket && socket.bytesWritten === 0 && socket.writable) {
      const { status, message } = refusals[error.code ?? ''] ?? malformed
      const body = JSON.stringify({ error_code: Number.parseInt(status, 10), message })
      const headers = `content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close`
      socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`)
    }
    if (socket instanceof Socket) socket.destroySoon()
    else socket.destroy()
  })
}
