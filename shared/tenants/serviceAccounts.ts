// Service accounts: who owns API keys and is named in ACL bindings, as `User:sa-…`. Attributes (names are stored):
// name, about (its description), created (ms).

import { base32 } from '../base/bytes.ts'
import { invariant, KafkaError } from '../base/errors.ts'
import { serviceAccountKey, serviceAccountsPk } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Item, Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'

export interface ServiceAccount {
  /** `sa-…` */
  readonly id: string
  readonly name: string
  readonly description: string
  readonly createdMs: number
}

export interface ServiceAccounts {
  create(name: string, description: string): Promise<ServiceAccount>
  get(id: string): Promise<ServiceAccount | undefined>
  /** By id. */
  list(): Promise<readonly ServiceAccount[]>
  /** Error: NOT_FOUND. */
  delete(id: string): Promise<void>
}

export interface ServiceAccountsDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
}

export function createServiceAccounts(deps: ServiceAccountsDeps): ServiceAccounts {
  return {
    async create(name, description) {
      const id = `sa-${base32(deps.random.bytes(10)).slice(0, 10).toLowerCase()}`
      const createdMs = deps.clock.now()
      const attributes = { name, about: description, created: createdMs }
      const put = { kind: 'put', key: serviceAccountKey(id), attributes } as const
      await retryRepeatableWrite(deps, () => deps.table.write(put))
      return { id, name, description, createdMs }
    },
    async get(id) {
      if (!isAccountId(id)) return undefined
      const item = await retryRepeatable(deps, () => deps.table.get(serviceAccountKey(id)))
      return item && parse(item)
    },
    list: () => list(deps),
    async delete(id) {
      const absent = () => new KafkaError('NOT_FOUND', `There is no service account ${id}.`)
      if (!isAccountId(id)) throw absent()
      const remove = { kind: 'delete', key: serviceAccountKey(id), when: [{ kind: 'itemExists' }] } as const
      const outcome = await retryRepeatableWrite(deps, () => deps.table.write(remove))
      if (!outcome.ok) throw absent()
    },
  }
}

const isAccountId = (text: string): boolean => /^sa-[a-z2-7]{10}$/.test(text)

const list = async (deps: ServiceAccountsDeps): Promise<readonly ServiceAccount[]> =>
  (await queryAll(deps, { pk: serviceAccountsPk })).map(parse)

function parse({ key, attributes }: Item): ServiceAccount {
  const { name, about, created } = attributes
  invariant(typeof name === 'string' && typeof about === 'string', 'a service account has its texts')
  invariant(typeof created === 'number', 'a service account has its time')
  return { id: key.sk, name, description: about, createdMs: created }
}
