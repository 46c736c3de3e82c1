// A progress bar on standard error, where that is a terminal; elsewhere nothing, so that logs and pipes stay
// clean.

import { SingleBar } from 'cli-progress'

export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

export function startProgress(label: string): Progress {
  const { stderr } = process
  if (!stderr.isTTY) return { update: () => undefined, stop: () => undefined }
  const format = `${label} {bar} {percentage}%`
  const options = { stream: stderr, format, barsize: 30, fps: 10, hideCursor: true, clearOnComplete: true }
  const bar = new SingleBar(options)
  bar.start(1, 0)
  return {
    update(done, total) {
      bar.setTotal(Math.max(1, total))
      bar.update(Math.min(done, total))
    },
    stop: () => bar.stop(),
  }
}
