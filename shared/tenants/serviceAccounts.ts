// Service accounts of organisations: who owns API keys and is named in ACL bindings, as `User:sa-…`. Attributes (names
// are stored): name, about (its description), created (ms).

import { base32 } from '../base/bytes.ts'
import { invariant, KafkaError } from '../base/errors.ts'
import { serviceAccountKey, serviceAccountsPk, serviceAccountsPrefix } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { type ListPage, type PageWanted, queryPage } from '../ports/queryPage.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Item, Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'

export interface ServiceAccount {
  /** `sa-…` */
  readonly id: string
  readonly organisationId: string
  readonly name: string
  readonly description: string
  readonly createdMs: number
}

export interface ServiceAccounts {
  create(organisationId: string, name: string, description: string): Promise<ServiceAccount>
  get(organisationId: string, id: string): Promise<ServiceAccount | undefined>
  /** By id; undefined: of all organisations. */
  list(organisationId: string | undefined): Promise<readonly ServiceAccount[]>
  listPage(organisationId: string | undefined, wanted: PageWanted): Promise<ListPage<ServiceAccount>>
  /** Error: NOT_FOUND. */
  delete(organisationId: string, id: string): Promise<void>
}

export interface ServiceAccountsDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
}

export function createServiceAccounts(deps: ServiceAccountsDeps): ServiceAccounts {
  return {
    async create(organisationId, name, description) {
      const id = `sa-${base32(deps.random.bytes(10)).slice(0, 10).toLowerCase()}`
      const createdMs = deps.clock.now()
      const attributes = { name, about: description, created: createdMs }
      const put = { kind: 'put', key: serviceAccountKey(organisationId, id), attributes } as const
      await retryRepeatableWrite(deps, () => deps.table.write(put))
      return { id, organisationId, name, description, createdMs }
    },
    async get(organisationId, id) {
      if (!isAccountId(id)) return undefined
      const item = await retryRepeatable(deps, () => deps.table.get(serviceAccountKey(organisationId, id)))
      return item && parse(item)
    },
    list: async (organisationId) => (await queryAll(deps, rangeOf(organisationId))).map(parse),
    listPage: (organisationId, wanted) => queryPage(deps, rangeOf(organisationId), wanted, parse),
    async delete(organisationId, id) {
      if (!isAccountId(id)) throw accountNotFound(id)
      const key = serviceAccountKey(organisationId, id)
      const remove = { kind: 'delete', key, when: [{ kind: 'itemExists' }] } as const
      const outcome = await retryRepeatableWrite(deps, () => deps.table.write(remove))
      if (!outcome.ok) throw accountNotFound(id)
    },
  }
}

const rangeOf = (organisationId: string | undefined) => ({
  pk: serviceAccountsPk,
  ...(organisationId === undefined ? {} : { prefix: serviceAccountsPrefix(organisationId) }),
})

export const accountNotFound = (id: string): KafkaError =>
  new KafkaError('NOT_FOUND', `There is no service account ${id}.`)

const isAccountId = (text: string): boolean => /^sa-[a-z2-7]{10}$/.test(text)

function parse({ key, attributes }: Item): ServiceAccount {
  const { name, about, created } = attributes
  invariant(typeof name === 'string' && typeof about === 'string', 'a service account has its texts')
  invariant(typeof created === 'number', 'a service account has its time')
  const [organisationId = '', id = ''] = key.sk.split('/')
  return { id, organisationId, name, description: about, createdMs: created }
}
