// The steps of the compactor's measurement, as another process carries them out, so that the peak of its memory is the
// step's alone.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Codec } from '../shared/kafka/compression.ts'

export type Step =
  /** A topic of one partition, written as objects of one batch each; every key comes twice. */
  | {
      readonly kind: 'write'
      readonly folder: string
      readonly bytes: number
      readonly batchBytes: number
      readonly valueBytes: number
      /** Half of each value that is compressed is spaces, so that there is something to compress. */
      readonly codec: Codec
    }
  /** The floor: read the files of all objects, write them as one, sync it. */
  | { readonly kind: 'copy'; readonly folder: string }
  | { readonly kind: 'merge'; readonly folder: string }
  /** Compaction by key, of what is merged. */
  | { readonly kind: 'clean'; readonly folder: string }
  /** From the beginning to the end, as a consumer that catches up. */
  | { readonly kind: 'read'; readonly folder: string }

export interface StepResult {
  readonly seconds: number
  /** Bytes of record batches that were written, merged, compacted or read. */
  readonly bytes: number
  readonly objectReads: number
  readonly objectPuts: number
  readonly tableCalls: number
  readonly objects: number
  readonly peakMemoryBytes: number
}

const worker = fileURLToPath(new URL('./compactionWorker.ts', import.meta.url))

export async function runStep(step: Step): Promise<StepResult> {
  const child = fork(worker, [JSON.stringify(step)])
  const ended = once(child, 'exit')
  const results: StepResult[] = []
  child.on('message', (result: StepResult) => results.push(result))
  const [code] = await ended
  const [result] = results
  if (!result) throw new Error(`the step "${step.kind}" ended with ${code}`)
  return result
}
