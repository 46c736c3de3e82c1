// What one side puts in while the other is busy, and takes out all at once: records that arrive during an
// append are the next append. Bounded: a full box makes the putting side wait, and so the client.

export interface Mailbox<T> {
  /** Resolves when there is room for more. It is there to be taken when the box is full, or is offered or closed. */
  put(item: T, bytes: number): Promise<void> | undefined
  offer(): void
  /** No more is put in; what is in it can still be taken. */
  close(): void
  isClosed(): boolean
  /** All that is in it, once there is anything; undefined when it is closed and empty. */
  take(): Promise<readonly T[] | undefined>
}

export function createMailbox<T>(max: { readonly items: number; readonly bytes: number }): Mailbox<T> {
  let items: T[] = []
  let bytes = 0
  let closed = false
  let wakeTaker = (): void => {}
  let room = Promise.withResolvers<void>()
  return {
    put(item, size) {
      if (closed) return undefined
      items.push(item)
      bytes += size
      if (items.length < max.items && bytes < max.bytes) return undefined
      wakeTaker()
      return room.promise
    },
    offer() {
      if (items.length > 0) wakeTaker()
    },
    close() {
      closed = true
      wakeTaker()
      room.resolve()
    },
    isClosed: () => closed,
    async take() {
      if (items.length === 0 && !closed) {
        const woken = Promise.withResolvers<void>()
        wakeTaker = woken.resolve
        await woken.promise
      }
      if (items.length === 0) return undefined
      const taken = items
      items = []
      bytes = 0
      room.resolve()
      room = Promise.withResolvers()
      if (closed) room.resolve()
      return taken
    },
  }
}
