import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger, type LogLevel } from '../../../shared/runtime/logger.ts'
import { withRequest } from '../../../shared/runtime/requestContext.ts'

function gather(level: LogLevel) {
  const lines: string[] = []
  const logger = createLogger({ level, facts: { stage: 'dev' }, write: (line) => lines.push(line) })
  return { logger, take: () => lines.splice(0).map((line) => JSON.parse(line)) }
}

test('a level lets itself and what is worse pass', () => {
  const { logger, take } = gather('WARN')
  for (const level of ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const) logger.log(level, level)
  assert.deepEqual(
    take().map(({ message }) => message),
    ['WARN', 'ERROR'],
  )
})

test('a failure tells its message, its stack and its cause', () => {
  const { logger, take } = gather('ERROR')
  logger.failure('broken', new TypeError('no such thing', { cause: new Error('deeper') }), { path: '/a' })
  logger.failure('broken', 'text')
  const [first, second] = take()
  const { timestamp, error, ...rest } = first
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual(rest, { level: 'ERROR', message: 'broken', stage: 'dev', path: '/a' })
  const { stack, ...told } = error
  assert.match(stack, /logger\.test/)
  assert.deepEqual(told, { name: 'TypeError', message: 'no such thing', cause: 'Error: deeper' })
  assert.deepEqual(second.error, { message: 'text' })
})

test('requests that run at once are told apart, also after they have waited', async () => {
  const { logger, take } = gather('INFO')
  const serve = (requestId: string) =>
    withRequest({ requestId, traceId: `trace of ${requestId}`, method: 'GET', path: '/' }, async () => {
      logger.log('INFO', 'begins')
      await new Promise(setImmediate)
      logger.log('INFO', 'ends')
    })
  await Promise.all([serve('a'), serve('b')])
  const told = take().map(({ message, requestId, traceId }) => `${message} ${requestId} ${traceId}`)
  assert.deepEqual(told, [
    'begins a trace of a',
    'begins b trace of b',
    'ends a trace of a',
    'ends b trace of b',
  ])
})
