// Consumer instances in the table: read, changed, written back on the condition that nobody else has in between. The
// condition is a token that every write draws anew, so a write whose answer was lost knows itself again, and one that
// lands late or meets a namesake created since changes nothing.

import { KafkaError } from '../base/errors.ts'
import { clearForgotten, instanceRemoval } from '../groups/forgottenInstances.ts'
import { checkGroupId } from '../groups/heartbeat.ts'
import { isForgotten, isInstanceName, noteUse } from '../groups/instance.ts'
import {
  instanceAttributes,
  parseInstanceItem,
  type StoredInstance,
  tokenAttribute,
  tokenOf,
} from '../metadata/instanceItem.ts'
import type { Scope } from '../metadata/scope.ts'
import { backoffMs, retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Condition, Item, Table, TransactWrite, Write } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import type { InstanceId } from './consumerInstances.ts'

export interface InstanceStoreDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Scope
}

/** What a change makes of the instance, and what its caller gets; what became of the instance is stored either way. */
export type Changed<T> = { readonly instance: StoredInstance } & (
  | { readonly result: T }
  | { readonly error: unknown }
)

export interface InstanceStore {
  /** False: there is one of that name. */
  create(id: InstanceId, instance: StoredInstance): Promise<boolean>
  /** Error: CONSUMER_NOT_FOUND. */
  read(id: InstanceId): Promise<StoredInstance>
  /** `change` is run again where another call changed the instance meanwhile. */
  update<T>(id: InstanceId, change: (instance: StoredInstance) => Promise<Changed<T>>): Promise<T>
  delete(id: InstanceId, before: (instance: StoredInstance) => Promise<void>): Promise<void>
}

/** Not done: another call came between. */
type Attempted<T> = { readonly done: false } | { readonly done: true; readonly result: T }

interface Seen {
  readonly token: string
  readonly instance: StoredInstance
}

const attemptsMax = 5

export function createInstanceStore(deps: InstanceStoreDeps): InstanceStore {
  const see = async (id: InstanceId): Promise<Seen> => {
    checkGroupId(id.groupId)
    if (!isInstanceName(id.name)) throw notFound(id)
    const key = keyOf(deps, id)
    const item = await retryRepeatable(deps, () => deps.table.get(key))
    if (item === undefined) throw notFound(id)
    const instance = parseInstanceItem(item)
    if (isForgotten(instance, deps.clock.now())) throw notFound(id)
    return { token: tokenOf(item), instance }
  }

  const attempt = async <T>(id: InstanceId, work: (seen: Seen) => Promise<Attempted<T>>): Promise<T> => {
    for (let tried = 1; tried <= attemptsMax; tried++) {
      const seen = await see(id)
      const attempted = await work(seen).catch((error) => {
        throw inDialect(error, seen.instance)
      })
      if (attempted.done) return attempted.result
      await deps.clock.sleep(backoffMs(tried, deps.random))
    }
    throw new KafkaError('CONSUMER_IN_USE', `Other calls of consumer '${id.name}' are under way: try again.`)
  }

  return {
    create: (id, instance) => createItem(deps, id, instance),
    read: async (id) => (await see(id)).instance,
    update: (id, change) =>
      attempt(id, async (seen) => {
        const used = noteUse(seen.instance, deps.clock.now())
        const changed = await change(used)
        const { instance } = changed
        if (instance !== seen.instance && !(await replace(deps, id, seen, instance))) return { done: false }
        if ('error' in changed) throw changed.error
        return { done: true, result: changed.result }
      }),
    delete: (id, before) =>
      attempt(id, async (seen) => {
        await before(seen.instance)
        return { done: await remove(deps, id, seen.token), result: undefined }
      }),
  }
}

async function createItem(
  deps: InstanceStoreDeps,
  id: InstanceId,
  instance: StoredInstance,
): Promise<boolean> {
  await clearForgotten(deps, id.groupId)
  // On a list too: its group may have nothing else, and what is on no list nobody finds.
  const { listedInstance } = deps.scope.consumerGroup(id.groupId)
  const listing = { kind: 'put', key: listedInstance(keyOf(deps, id)), attributes: {} } as const
  const first = await writeOnce(deps, id, instance, { kind: 'itemAbsent' }, [listing])
  if (first.done || first.current === undefined) return first.done
  const seen = { token: tokenOf(first.current), instance: parseInstanceItem(first.current) }
  return isForgotten(seen.instance, deps.clock.now()) && replace(deps, id, seen, instance)
}

async function replace(
  deps: InstanceStoreDeps,
  id: InstanceId,
  { token }: Seen,
  instance: StoredInstance,
): Promise<boolean> {
  const when = { kind: 'equals', attribute: tokenAttribute, value: token } as const
  return (await writeOnce(deps, id, instance, when)).done
}

/** A refusal that shows our own token is the echo of a write whose answer was lost. */
async function writeOnce(
  deps: InstanceStoreDeps,
  id: InstanceId,
  instance: StoredInstance,
  when: Condition,
  more: readonly TransactWrite[] = [],
): Promise<{ readonly done: boolean; readonly current: Item | undefined }> {
  const token = Buffer.from(deps.random.bytes(12)).toString('base64url')
  const attributes = instanceAttributes(instance, token)
  const write: Write = { kind: 'put', key: keyOf(deps, id), attributes, when: [when] }
  const outcome = await retryRepeatableWrite(deps, () => writeAll(deps, [write, ...more]))
  const current = outcome.ok ? undefined : outcome.current
  return { done: outcome.ok || (current !== undefined && tokenOf(current) === token), current }
}

/** All or nothing; of these the first alone has a condition. One write alone is half as dear. */
async function writeAll(
  { table }: InstanceStoreDeps,
  writes: readonly TransactWrite[],
): Promise<{ readonly ok: boolean; readonly current?: Item | undefined }> {
  const [first] = writes
  if (writes.length === 1 && first !== undefined && first.kind !== 'check') return table.write(first)
  const outcome = await table.transact(writes)
  return outcome.ok ? outcome : { ok: false, current: outcome.failed[0]?.current }
}

/** Gone already counts as well: the answer of the deletion may have been lost. */
async function remove(deps: InstanceStoreDeps, id: InstanceId, token: string): Promise<boolean> {
  const writes = instanceRemoval(deps, id.groupId, keyOf(deps, id), token)
  const outcome = await retryRepeatableWrite(deps, () => writeAll(deps, writes))
  return outcome.ok || outcome.current === undefined
}

const keyOf = ({ scope }: InstanceStoreDeps, { groupId, name }: InstanceId) =>
  scope.consumerGroup(groupId).instance(name)

const notFound = ({ name }: InstanceId): KafkaError =>
  new KafkaError('CONSUMER_NOT_FOUND', `Consumer instance '${name.slice(0, 80)}' not found.`)

/** Which codes its caller reads is known here, and nowhere above. */
function inDialect(error: unknown, { dialect }: StoredInstance): unknown {
  return error instanceof KafkaError
    ? new KafkaError(error.code, error.message, { ...error.details, dialect })
    : error
}
