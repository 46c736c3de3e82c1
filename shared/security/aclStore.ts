// The ACL bindings of a cluster as they are stored: one item each, under a hash of what it says, so that a binding
// exists once; attribute `acl` holds it as JSON. A version that grows with every change tells a process whether what it
// knows is still true, for the price of one small read.

import { KafkaError } from '../base/errors.ts'
import type { Scope } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Item, Table, TransactWrite } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import {
  type AclBinding,
  type AclFilter,
  type AclIndex,
  checkBinding,
  indexAcls,
  matchesFilter,
} from './acl.ts'

export interface AclStoreDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Scope
}

export interface AclStore {
  /** Errors: INVALID_REQUEST, POLICY_VIOLATION where there would be more than a cluster may have. */
  create(bindings: readonly AclBinding[]): Promise<void>
  list(filter: AclFilter): Promise<readonly AclBinding[]>
  /** Answers what it deleted. */
  delete(filter: AclFilter): Promise<readonly AclBinding[]>
  /** As it was when `index` was called or later; costs one small read where nothing has changed. */
  index(): Promise<AclIndex>
}

const bindingsMax = 10_000
/** Of a transaction's hundred writes one is the version's. */
const bindingsPerTransaction = 99

export function createAclStore(deps: AclStoreDeps): AclStore {
  let known: { readonly version: number; readonly index: AclIndex } | undefined
  return {
    create: (bindings) => create(deps, bindings),
    list: async (filter) => (await readAll(deps)).filter((binding) => matchesFilter(binding, filter)),
    async delete(filter) {
      const doomed = (await readAll(deps)).filter((binding) => matchesFilter(binding, filter))
      await change(deps, doomed, (key) => ({ kind: 'delete', key }))
      return doomed
    },
    async index() {
      // Before the bindings: a change between the two reads is seen by the next one.
      const version = await readVersion(deps)
      if (known?.version !== version) known = { version, index: indexAcls(await readAll(deps)) }
      return known.index
    },
  }
}

async function create(deps: AclStoreDeps, bindings: readonly AclBinding[]): Promise<void> {
  bindings.forEach(checkBinding)
  const there = await readAll(deps)
  if (there.length + bindings.length > bindingsMax) {
    throw new KafkaError('POLICY_VIOLATION', `A cluster has at most ${bindingsMax} ACL bindings.`)
  }
  await change(deps, bindings, (key, text) => ({ kind: 'put', key, attributes: { acl: text } }))
}

async function change(
  { table, scope, ...deps }: AclStoreDeps,
  bindings: readonly AclBinding[],
  writeOf: (key: ReturnType<Scope['acl']>, text: string) => TransactWrite,
): Promise<void> {
  const texts = [...new Set(bindings.map(textOf))]
  for (let start = 0; start < texts.length; start += bindingsPerTransaction) {
    const some = texts.slice(start, start + bindingsPerTransaction)
    const writes: readonly TransactWrite[] = [
      ...some.map((text) => writeOf(scope.acl(text), text)),
      { kind: 'update', key: scope.aclVersion(), actions: [{ kind: 'add', attribute: 'v', value: 1 }] },
    ]
    await retryRepeatableWrite(deps, () => table.transact(writes))
  }
}

const readAll = async (deps: AclStoreDeps): Promise<readonly AclBinding[]> =>
  (await queryAll(deps, { pk: deps.scope.aclsPk })).map(parse)

async function readVersion({ table, scope, ...deps }: AclStoreDeps): Promise<number> {
  const item = await retryRepeatable(deps, () => table.get(scope.aclVersion()))
  const version = item?.attributes.v
  return typeof version === 'number' ? version : 0
}

/** The one form of a binding: its fields in this order. */
function textOf(binding: AclBinding): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = binding
  return JSON.stringify({ resourceType, resourceName, patternType, principal, host, operation, permission })
}

function parse({ attributes }: Item): AclBinding {
  const binding: AclBinding = JSON.parse(String(attributes.acl))
  return binding
}
