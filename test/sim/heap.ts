// A binary heap: what is due first comes out first.

export interface Heap<T> {
  push(item: T): void
  pop(): T | undefined
}

export function createHeap<T>(isBefore: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = []

  const swapIfBefore = (above: number, below: number): boolean => {
    const [upper, lower] = [items[above], items[below]]
    if (upper === undefined || lower === undefined || !isBefore(lower, upper)) return false
    items[above] = lower
    items[below] = upper
    return true
  }

  const sink = () => {
    for (let at = 0; ; ) {
      const [left, right] = [items[2 * at + 1], items[2 * at + 2]]
      if (left === undefined) return
      const child = right !== undefined && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1
      if (!swapIfBefore(at, child)) return
      at = child
    }
  }

  return {
    push(item) {
      items.push(item)
      let at = items.length - 1
      while (at > 0 && swapIfBefore((at - 1) >> 1, at)) at = (at - 1) >> 1
    },
    pop() {
      const first = items[0]
      const last = items.pop()
      if (last !== undefined && items.length > 0) {
        items[0] = last
        sink()
      }
      return first
    },
  }
}
