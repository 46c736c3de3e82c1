// Something has changed: whoever waits looks again. Who asks for `next` before he looks misses nothing.

export interface Notifier {
  next(): Promise<void>
  notify(): void
}

export function createNotifier(): Notifier {
  let wake = () => {}
  let waiting: Promise<void> | undefined
  return {
    next() {
      waiting ??= new Promise((resolve) => {
        wake = resolve
      })
      return waiting
    },
    notify() {
      waiting = undefined
      wake()
    },
  }
}
