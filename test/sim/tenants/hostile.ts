// What a tenant sends who wants into another one: requests of every endpoint with its own, good credentials, in which
// ids and names are the other's, or made to reach out of where they are put.

import type { Chance } from '../../fuzz/chance.ts'
import { rightsTable } from '../../security/rights.ts'
import type { Asked } from '../../security/world.ts'

/** All that the victim has, as if somebody had told. */
export interface Loot {
  readonly clusterId: string
  readonly topicId: string
  readonly keyId: string
  readonly objectNames: readonly string[]
}

const rows = Object.entries(rightsTable)

export function hostileRequest(chance: Chance, loot: Loot, ownClusterId: string): Asked {
  const [operation, row] = chance.pick(rows)
  const [method = '', template = ''] = operation.split(' ')
  const words = wordsOf(loot, ownClusterId)
  const { query = '', body, headers = {} } = row.request(chance.oneIn(2) ? 'here' : 'gone')
  const path = template.replaceAll(/{(\w+)}/g, (_, name: string) =>
    segment(chance, name, words, ownClusterId),
  )
  return {
    method,
    path: prefix(chance, path) + chance.pick([query, query, cursor(chance, words)]),
    body: changed(chance, body, words),
    headers: { ...headers, ...header(chance, words) },
  }
}

const traversals = [
  '..',
  '../',
  '../../',
  '%2e%2e/',
  '..%2f',
  '%2e%2e%2f',
  '..%252f',
  '..\\',
  '%c0%ae%c0%ae/',
  '/',
  '%2f',
  '%00',
]

function wordsOf({ clusterId, topicId, keyId, objectNames }: Loot, own: string): readonly string[] {
  const theirs = [
    clusterId,
    topicId,
    keyId,
    ...objectNames,
    'topic-here',
    'group-here',
    'insts-here',
    'inst-here',
    'member-here',
    `${clusterId}/topics`,
    `${clusterId}/log/`,
    `${topicId}/p0`,
    Buffer.from('group-here').toString('base64url'),
  ]
  const deployment = [
    'deployment',
    'deployment/clusters',
    `deployment/key/${keyId}`,
    'local',
    '*',
    '',
    '__proto__',
  ]
  return [
    ...theirs,
    ...deployment,
    ...theirs.flatMap((word) => traversals.map((way) => `${own}${way}${word}`)),
  ]
}

function segment(chance: Chance, name: string, words: readonly string[], ownClusterId: string): string {
  if (name === 'cluster_id' && chance.oneIn(2)) return ownClusterId
  if (/^(partition|broker)_id$/.test(name) && !chance.oneIn(4)) return chance.pick(['0', '1'])
  const word = chance.pick(words)
  return chance.oneIn(3) ? word : encodeURIComponent(word)
}

const prefix = (chance: Chance, path: string): string =>
  path.startsWith('/v3') && chance.oneIn(4) ? `/kafka${path}` : path

function cursor(chance: Chance, words: readonly string[]): string {
  const name = chance.pick([
    'page_token',
    'offset',
    'object_name',
    'spec.resource',
    'timestamp',
    'cluster_id',
    'resource_name',
  ])
  return `?${name}=${encodeURIComponent(chance.pick(words))}`
}

const headerNames = [
  'confluent-cluster-id',
  'x-cluster-id',
  'x-tenant-id',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-original-url',
  'x-millrace-client',
  'x-amzn-mtls-clientcert-subject',
  'confluent-identity-pool-id',
  'last-event-id',
  'cookie',
  'producer-id',
]

function header(chance: Chance, words: readonly string[]): Readonly<Record<string, string>> {
  if (chance.oneIn(2)) return {}
  const value = chance.pick(words)
  return /^[\x20-\x7e]*$/.test(value) ? { [chance.pick(headerNames)]: value } : {}
}

/** Here and there a text is another one. */
function changed(chance: Chance, value: unknown, words: readonly string[]): unknown {
  if (typeof value === 'string') return chance.oneIn(4) ? chance.pick(words) : value
  if (Array.isArray(value)) return value.map((one) => changed(chance, one, words))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, changed(chance, one, words)]))
}
