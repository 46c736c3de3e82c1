// A partition's turn in another environment of the same function: an invocation that is waited for. One that fails,
// answers nonsense or is too late is an error that names the partition; it is not repeated here.

import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import type { PartitionWorker } from '../compaction/deps.ts'
import type { Clock } from '../ports/world.ts'
import { type PartitionEvent, parsePartitionOutcome } from './compactorEvent.ts'

export interface LambdaWorkerDeps {
  readonly client: LambdaClient
  readonly clock: Clock
  readonly functionName: string
  readonly functionVersion: string
  /** How long after its deadline a worker may answer: the way to its next clean point, and a cold start. */
  readonly graceMs: number
}

export const createLambdaWorker =
  (deps: LambdaWorkerDeps) =>
  (clusterId: string): PartitionWorker =>
  async ({ topicName, topicId, partition }, passDeadlineMs, isAskedFor) => {
    try {
      // An event holds whole milliseconds, and so does a timer.
      const deadlineMs = Math.floor(passDeadlineMs)
      const event: PartitionEvent = {
        kind: 'partition',
        clusterId,
        topicName,
        topicId,
        partition,
        deadlineMs,
        isAskedFor,
      }
      return parsePartitionOutcome(await invoke(deps, event))
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`the worker of ${clusterId}/${topicName}-${partition}: ${message}`, { cause })
    }
  }

async function invoke(deps: LambdaWorkerDeps, event: PartitionEvent): Promise<unknown> {
  const { client, clock, functionName, functionVersion, graceMs } = deps
  const command = new InvokeCommand({
    FunctionName: functionName,
    Qualifier: functionVersion,
    InvocationType: 'RequestResponse',
    Payload: Buffer.from(JSON.stringify(event)),
  })
  const waitMs = Math.max(0, event.deadlineMs + graceMs - clock.now())
  const { FunctionError, Payload } = await client.send(command, { abortSignal: AbortSignal.timeout(waitMs) })
  const text = Buffer.from(Payload ?? []).toString()
  if (FunctionError !== undefined) throw new Error(`${FunctionError}: ${text.slice(0, errorLengthMax)}`)
  return JSON.parse(text)
}

/** The rest is a stack, which the worker's own log has too. */
const errorLengthMax = 500
