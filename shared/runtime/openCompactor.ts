// The compactor's function on AWS, put together once where its module is loaded. It also makes keys of operators: see
// operatorKey.ts.

import { createClusterRegistry } from '../tenants/clusters.ts'
import { createLambdaClient } from './awsClients.ts'
import { parseCompactorConfig } from './awsConfig.ts'
import { openAwsProcess } from './awsProcess.ts'
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
  const { deps, logger, metrics, connections } = await openAwsProcess(config, 'compactor')
  const client = createLambdaClient(connections)
  const { functionName, functionVersion } = config
  const worker = { client, clock: systemClock, functionName, functionVersion, graceMs: workerGraceMs }
  const tell = reportCompaction(logger, metrics)
  const clusters = createClusterRegistry(deps)
  const workerOf = createLambdaWorker(worker)
  const compact = createCompactorFunction({ ...deps, clusters, workerOf }, (report, counts) => {
    tell(report, counts)
    metrics.flush()
  })
  const handle: CompactorFunction = async (event, context) => {
    if (!isOperatorKeyEvent(event)) return compact(event, context)
    const key = await createOperatorKey(deps, config.pepper, config.clusterId)
    logger.log('WARN', 'an operator key was made', { keyId: key.keyId })
    return key
  }
  return (event, context) => connections.invocation(() => handle(event, context))
}
