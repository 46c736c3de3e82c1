// The floor of durability: files of one size, written and synced one after the other by calls that block,
// with nothing around them.

import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { Load } from './load.ts'

export interface FsyncPlan {
  readonly directory: string
  readonly fileBytes: number
  readonly seconds: number
}

const plan: FsyncPlan = workerData
parentPort?.postMessage(run(plan))

function run({ directory, fileBytes, seconds }: FsyncPlan): Load {
  const folder = mkdtempSync(path.join(directory, 'fsync-'))
  const bytes = crypto.getRandomValues(new Uint8Array(65_536))
  const file = Buffer.alloc(fileBytes, bytes)
  const latenciesMs: number[] = []
  const start = performance.now()
  while (performance.now() < start + seconds * 1000) {
    const before = performance.now()
    const descriptor = openSync(path.join(folder, String(latenciesMs.length)), 'w')
    for (let written = 0; written < fileBytes; ) written += writeSync(descriptor, file, written)
    fsyncSync(descriptor)
    closeSync(descriptor)
    latenciesMs.push(performance.now() - before)
  }
  const elapsed = (performance.now() - start) / 1000
  rmSync(folder, { recursive: true })
  return { seconds: elapsed, latenciesMs }
}
