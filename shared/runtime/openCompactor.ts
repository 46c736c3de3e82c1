// The compactor's function on AWS, put together once where its module is loaded. It also makes keys of operators: see
// operatorKey.ts.

import { LambdaClient } from '@aws-sdk/client-lambda'
import { parseCompactorConfig } from './awsConfig.ts'
import { connectionMsMax, openAwsProcess } from './awsProcess.ts'
import { systemClock } from './clock.ts'
import { type CompactorFunction, createCompactorFunction, workerGraceMs } from './compactorFunction.ts'
import { createLambdaWorker } from './lambdaWorker.ts'
import { createOperatorKey, isOperatorKeyEvent } from './operatorKey.ts'
import { reportCompaction } from './reportCompaction.ts'
import { refuseToStart } from './startUp.ts'

export async function openCompactorFunction(): Promise<CompactorFunction> {
  try {
    return await open()
  } catch (error) {
    return refuseToStart(error)
  }
}

async function open(): Promise<CompactorFunction> {
  const config = parseCompactorConfig(process.env)
  const { deps, logger, metrics } = await openAwsProcess(config, 'compactor')
  // A worker answers when it is done, which may take minutes without a byte: its caller's signal ends the wait.
  const client = new LambdaClient({
    maxAttempts: 1,
    requestHandler: { connectionTimeout: connectionMsMax, socketTimeout: 0 },
  })
  const { functionName, functionVersion } = config
  const worker = { client, clock: systemClock, functionName, functionVersion, graceMs: workerGraceMs }
  const tell = reportCompaction(logger, metrics)
  const compact = createCompactorFunction(deps, createLambdaWorker(worker), (report) => {
    tell(report)
    metrics.flush()
  })
  return async (event, context) => {
    if (!isOperatorKeyEvent(event)) return compact(event, context)
    const key = await createOperatorKey(deps, config.pepper, config.clusterId)
    logger.log('WARN', 'an operator key was made', { keyId: key.keyId })
    return key
  }
}
