// Consumer instances that nobody calls any more: nobody deletes them either, so whoever creates another one in the
// group and the collector take them away.

import { parseInstanceItem, tokenAttribute, tokenOf } from '../metadata/instanceItem.ts'
import { instancePrefix } from '../metadata/scope.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { ItemKey, TransactWrite } from '../ports/table.ts'
import type { GroupStoreDeps } from './groupStore.ts'
import { isForgotten } from './instance.ts'

/** Instances that are looked through at once; those beyond have their turn when these are gone. */
const lookedThroughMax = 25

export async function clearForgotten(deps: GroupStoreDeps, groupId: string): Promise<void> {
  const { pk } = deps.scope.consumerGroup(groupId).state
  const found = await retryRepeatable(deps, () =>
    deps.table.query({ pk, prefix: instancePrefix, limit: lookedThroughMax }),
  )
  const forgotten = found.items.filter((item) => isForgotten(parseInstanceItem(item), deps.clock.now()))
  await Promise.all(
    forgotten.map((item) =>
      retryRepeatableWrite(deps, () =>
        deps.table.transact(instanceRemoval(deps, groupId, item.key, tokenOf(item))),
      ),
    ),
  )
}

/** Unless somebody has called it meanwhile. */
export const instanceRemoval = (
  { scope }: Pick<GroupStoreDeps, 'scope'>,
  groupId: string,
  key: ItemKey,
  token: string,
): readonly TransactWrite[] => [
  { kind: 'delete', key, when: [{ kind: 'equals', attribute: tokenAttribute, value: token }] },
  { kind: 'delete', key: scope.consumerGroup(groupId).listedInstance(key) },
]
