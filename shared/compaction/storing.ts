// One segment is stored while the next one is built, so that neither waits for the other; no more than one, so that no
// more than two are in memory. They become the log in their order, and none does after one that did not.

export interface Storing {
  /** Waits for the one before. false: it was not stored, and this one is not begun. */
  begin(store: () => Promise<boolean>): Promise<boolean>
  /** Nothing is under way any more. false: the last one was not stored. */
  done(): Promise<boolean>
}

export function createStoring(): Storing {
  let last: Promise<boolean> = Promise.resolve(true)
  return {
    async begin(store) {
      if (!(await last)) return false
      last = store()
      // Told to whoever asks next; until then it must not count as unhandled.
      last.catch(() => undefined)
      return true
    },
    done: () => last,
  }
}
