// The API keys of a deployment: made, found by id, listed by cluster, used, revoked. A secret passes through here once,
// on its way to whoever asked for the key.

import type { KeyObject } from 'node:crypto'
import { createLimiter } from '../base/concurrency.ts'
import { KafkaError } from '../base/errors.ts'
import {
  type ApiKeyItem,
  apiKeyAttributes,
  type KeyResource,
  parseApiKeyItem,
} from '../metadata/apiKeyItem.ts'
import { apiKeyKey, createScope, deploymentKeysPk, listedDeploymentKey } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { type ListPage, type PageWanted, queryPage } from '../ports/queryPage.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Item, ItemKey, Table, TransactWrite } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { hashSecret, isApiKeyId, type NewApiKey, newApiKey } from './apiKey.ts'

export interface ApiKeysDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
}

interface ApiKeyMakerDeps extends ApiKeysDeps {
  /** The key of the secrets' HMAC; 32 bytes, kept outside the table. */
  readonly pepper: KeyObject
}

export interface ApiKeyToCreate extends KeyResource {
  /** A principal, such as User:sa-abc123. */
  readonly owner: string
  readonly description: string
  readonly expiresMs: number | undefined
}

export interface ApiKeys {
  create(wanted: ApiKeyToCreate): Promise<{ readonly key: ApiKeyItem; readonly secret: string }>
  get(keyId: string): Promise<ApiKeyItem | undefined>
  /** By id. */
  list(resource: KeyResource): Promise<readonly ApiKeyItem[]>
  listPage(resource: KeyResource, wanted: PageWanted): Promise<ListPage<ApiKeyItem>>
  /** Error: NOT_FOUND. */
  revoke(keyId: string): Promise<void>
  /** Notes that it was used; nobody waits for it. */
  noteUse(keyId: string, nowMs: number): Promise<void>
}

const readsAtOnce = 16

export function createApiKeys(deps: ApiKeyMakerDeps): ApiKeys {
  return { ...createApiKeyStore(deps), create: (wanted) => createKey(deps, wanted) }
}

/** Of keys that were made: what needs no pepper. */
export function createApiKeyStore(deps: ApiKeysDeps): Omit<ApiKeys, 'create'> {
  return {
    get: (keyId) => getKey(deps, keyId),
    list: (resource) => listKeys(deps, resource),
    listPage: (resource, wanted) => queryPage(deps, { pk: listPk(resource) }, wanted, getListed(deps)),
    revoke: (keyId) => revokeKey(deps, keyId),
    noteUse: (keyId, nowMs) => noteUse(deps, keyId, nowMs),
  }
}

const listedKey = ({ clusterId, organisationId }: KeyResource, keyId: string): ItemKey =>
  clusterId === undefined
    ? listedDeploymentKey(organisationId, keyId)
    : createScope(clusterId).listedApiKey(keyId)

const listPk = ({ clusterId, organisationId }: KeyResource): string =>
  clusterId === undefined ? deploymentKeysPk(organisationId) : createScope(clusterId).apiKeysPk

async function createKey(deps: ApiKeyMakerDeps, wanted: ApiKeyToCreate) {
  const made: NewApiKey = newApiKey(deps.random)
  const key = { ...wanted, keyId: made.id, hash: hashSecret(deps.pepper, made), createdMs: deps.clock.now() }
  const attributes = apiKeyAttributes(key)
  const writes: readonly TransactWrite[] = [
    { kind: 'put', key: apiKeyKey(made.id), attributes },
    { kind: 'put', key: listedKey(wanted, made.id), attributes: { id: made.id } },
  ]
  await retryRepeatableWrite(deps, () => deps.table.transact(writes))
  return { key: { ...key, usedMs: undefined }, secret: made.secret }
}

async function getKey(deps: ApiKeysDeps, keyId: string): Promise<ApiKeyItem | undefined> {
  if (!isApiKeyId(keyId)) return undefined
  const item = await retryRepeatable(deps, () => deps.table.get(apiKeyKey(keyId)))
  return item && parseApiKeyItem(item)
}

async function listKeys(deps: ApiKeysDeps, resource: KeyResource): Promise<readonly ApiKeyItem[]> {
  const items = await queryAll(deps, { pk: listPk(resource) })
  const keys = await Promise.all(items.map(getListed(deps)))
  return keys.filter((key) => key !== undefined)
}

function getListed(deps: ApiKeysDeps): (listed: Item) => Promise<ApiKeyItem | undefined> {
  const limiter = createLimiter(readsAtOnce)
  return ({ key }) => limiter(() => getKey(deps, key.sk))
}

async function revokeKey(deps: ApiKeysDeps, keyId: string): Promise<void> {
  const key = await getKey(deps, keyId)
  if (key === undefined) throw apiKeyNotFound(keyId)
  const writes: readonly TransactWrite[] = [
    { kind: 'delete', key: apiKeyKey(keyId) },
    { kind: 'delete', key: listedKey(key, keyId) },
  ]
  await retryRepeatableWrite(deps, () => deps.table.transact(writes))
}

export const apiKeyNotFound = (keyId: string): KafkaError =>
  new KafkaError('NOT_FOUND', `There is no API key ${keyId}.`)

async function noteUse(deps: ApiKeysDeps, keyId: string, nowMs: number): Promise<void> {
  await deps.table.write({
    kind: 'update',
    key: apiKeyKey(keyId),
    actions: [{ kind: 'set', attribute: 'used', value: nowMs }],
    when: [{ kind: 'itemExists' }],
  })
}
