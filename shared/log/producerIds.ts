// InitProducerId without a transactional id: ids that are never given out twice, taken from the table in blocks so that
// a new producer seldom costs a write. A block whose answer was lost is left unused.

import { invariant } from '../base/errors.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { LogDeps } from './deps.ts'

const idsPerBlock = 1000
const nextAttribute = 'next'

export function createProducerIds(deps: LogDeps): () => Promise<bigint> {
  let block: Promise<{ next: number; readonly end: number }> | undefined

  const takeBlock = async () => {
    const outcome = await retryRepeatable(deps, () =>
      deps.table.write({
        kind: 'update',
        key: deps.scope.producerIds(),
        actions: [{ kind: 'add', attribute: nextAttribute, value: idsPerBlock }],
      }),
    )
    const end = outcome.ok ? outcome.updated[nextAttribute] : undefined
    invariant(typeof end === 'number', 'an update without a condition answers what it set')
    return { next: end - idsPerBlock, end }
  }

  const next = async (): Promise<bigint> => {
    block ??= takeBlock()
    const mine = block
    try {
      const ids = await mine
      if (ids.next < ids.end) return BigInt(ids.next++)
    } catch (error) {
      if (block === mine) block = undefined
      throw error
    }
    if (block === mine) block = undefined
    return next()
  }
  return next
}
