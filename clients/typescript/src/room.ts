// A bound on bytes that wait: who finds no room waits in line, so that nobody overtakes.

export interface Room {
  /** Resolves in the order of the calls. More than there is room for in all is let in alone. */
  enter(bytes: number): Promise<void>
  leave(bytes: number): void
}

export function createRoom(bytesMax: number): Room {
  const line: { readonly bytes: number; readonly letIn: () => void }[] = []
  let held = 0
  const admit = (): void => {
    for (let first = line[0]; first !== undefined; first = line[0]) {
      if (held > 0 && held + first.bytes > bytesMax) return
      line.shift()
      held += first.bytes
      first.letIn()
    }
  }
  return {
    enter: (bytes) =>
      new Promise((letIn) => {
        line.push({ bytes, letIn })
        admit()
      }),
    leave(bytes) {
      held -= bytes
      admit()
    },
  }
}
