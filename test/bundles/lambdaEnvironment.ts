// An environment of an event function: Lambda's own runtime client runs the bundle, and this is the Runtime API that it
// asks for work. One invocation at a time; between two of them the process is frozen, as Lambda does it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { basename, dirname, join } from 'node:path'
import type { Finished } from '../support/serverProcess.ts'
import { clockAhead } from './awsWorld.ts'

const client = join(import.meta.dirname, 'ric/node_modules', 'aws-lambda-ric', 'index.mjs')

/** A reason to skip, where Lambda's runtime client is not installed; MILLRACE_RIC=required makes it a failure. */
export const withoutClient: string | false =
  existsSync(client) || process.env.MILLRACE_RIC === 'required'
    ? false
    : 'aws-lambda-ric is not installed: run test/bundles/ric/install (it compiles C++)'

/** The function's answer as it comes; `failure`: what it threw instead. */
export type Invoked =
  | { readonly type: string; readonly body: AsyncIterable<Buffer> }
  | { readonly failure: string }

export interface LambdaEnvironment {
  invoke(event: unknown): Promise<Invoked>
  /** SIGKILL, which is how environments end that have no extensions. */
  close(): Promise<Finished>
}

interface Invocation {
  readonly event: unknown
  readonly answered: (outcome: Invoked) => void
}

const timeoutMs = 900_000
const version = '/2018-06-01/runtime'

export async function startLambdaEnvironment(
  file: string,
  functionName: string,
  environment: Readonly<Record<string, string>>,
  /** How far its clock is ahead. */
  aheadMs = 0,
): Promise<LambdaEnvironment> {
  const api = await startRuntimeApi(functionName, aheadMs)
  const { child, finished } = launch(file, functionName, {
    ...environment,
    ...clockAhead(aheadMs),
    AWS_LAMBDA_RUNTIME_API: api.address,
  })
  api.whenIdle((isIdle) => child.kill(isIdle ? 'SIGSTOP' : 'SIGCONT'))
  const died = finished.then(({ stdout, stderr }): Invoked => {
    return { failure: `it ended: ${(stdout + stderr).slice(-1000)}` }
  })
  return {
    invoke: (event) => Promise.race([api.invoke(event), died]),
    async close() {
      child.kill('SIGKILL')
      api.close()
      return finished
    },
  }
}

function launch(file: string, functionName: string, environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [client], {
    cwd: dirname(file),
    env: {
      ...environment,
      AWS_LAMBDA_FUNCTION_NAME: functionName,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
      AWS_LAMBDA_LOG_GROUP_NAME: functionName,
      AWS_LAMBDA_LOG_STREAM_NAME: 'test',
      LAMBDA_TASK_ROOT: dirname(file),
      _HANDLER: `${basename(file, '.mjs')}.handler`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (text.stdout += chunk))
  child.stderr.on('data', (chunk) => (text.stderr += chunk))
  const finished = once(child, 'close').then(([code]): Finished => ({ code, ...text }))
  return { child, finished }
}

async function startRuntimeApi(functionName: string, aheadMs: number) {
  const waiting: Invocation[] = []
  let poll: ServerResponse | undefined
  let current: Invocation | undefined
  let turns = 0
  let tellIdle: (isIdle: boolean) => void = () => {}

  const next = () => {
    if (poll === undefined || waiting.length === 0) return
    current = waiting.shift()
    turns += 1
    tellIdle(false)
    poll.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': `request-${turns}`,
      'lambda-runtime-deadline-ms': String(Date.now() + aheadMs + timeoutMs),
      'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    })
    poll.end(JSON.stringify(current?.event))
    poll = undefined
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? ''
    if (path === `${version}/invocation/next`) {
      poll = response
      if (waiting.length === 0) tellIdle(true)
      return next()
    }
    const isAnswer = path.endsWith('/response')
    if (isAnswer) current?.answered({ type: request.headers['content-type'] ?? '', body: request })
    else current?.answered({ failure: await textOf(request) })
    if (!request.readableEnded) await once(request, 'close')
    response.writeHead(202).end('{}')
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    address: `127.0.0.1:${address.port}`,
    whenIdle: (tell: (isIdle: boolean) => void) => {
      tellIdle = tell
    },
    invoke: (event: unknown): Promise<Invoked> => {
      const { promise, resolve } = Promise.withResolvers<Invoked>()
      waiting.push({ event, answered: resolve })
      next()
      return promise
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

export async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all).toString()
}
