// Where a command works that also works through a running server: a place, or the server's URL with an operator's key
// where it asks for one. Where there are several clusters and none was named, it is refused with those there are.
// Whatever the server refuses is told in its own words.

import { z } from 'zod'
import type { LogDeps } from '../../log/deps.ts'
import { createScope, isTenantId } from '../../metadata/scope.ts'
import { createClusterRegistry } from '../../tenants/clusters.ts'
import { clusterId as localClusterId } from '../dataFolder.ts'
import { type Place, parsePlace, placeHelp, placeOptions, renderPlace, withPlace } from './place.ts'
import { UsageError } from './runCommand.ts'

export interface ServerPlace {
  readonly kind: 'server'
  readonly url: string
  /** undefined: the only one there is. */
  readonly clusterId: string | undefined
  /** Basic, of an API key; undefined: the server wants none. */
  readonly authorization: string | undefined
}

/** A place of which it is known which cluster is meant. */
export type InCluster<P> = P & { readonly clusterId: string }

export const whereOptions = { ...placeOptions, url: { type: 'string' }, key: { type: 'string' } } as const

export const whereUsage = '[--data ./data | --url http://127.0.0.1:8082 | --bucket b --table t] [--cluster c]'

export const whereHelp = `${placeHelp}  --url <url>        a running server
  --key <id:secret>  with --url: an API key of an operator (MILLRACE_API_KEY, which others on this machine do not see)
`

type Values = { readonly [Name in keyof typeof whereOptions]?: string | undefined }
type Environment = Readonly<Record<string, string | undefined>>

export function parseWhere({ url, key, ...values }: Values, environment: Environment): Place | ServerPlace {
  if (url === undefined) {
    if (key !== undefined) throw new UsageError('--key goes with --url.')
    return parsePlace(values, environment)
  }
  const { cluster, ...places } = values
  if (Object.values(places).some((value) => value !== undefined)) {
    throw new UsageError('Give --url, --data or a bucket on AWS, not more than one of them.')
  }
  return parseServer(url, cluster, key ?? environment.MILLRACE_API_KEY)
}

/** `key`: an API key's id and secret, with a colon between them. */
function parseServer(url: string, cluster?: string, key?: string): ServerPlace {
  if (!URL.canParse(url)) throw new UsageError(`--url ${url} is not a URL.`)
  if (cluster !== undefined && !isTenantId(cluster))
    throw new UsageError(`The cluster ${JSON.stringify(cluster)} cannot be.`)
  if (key !== undefined && !/^[^:]+:./.test(key)) {
    throw new UsageError('An API key is its id and its secret, with a colon between them.')
  }
  const authorization = key && `Basic ${Buffer.from(key).toString('base64')}`
  return { kind: 'server', url, clusterId: cluster, authorization }
}

/** A folder in use is refused with the way that there is: the server that uses it. */
export async function atPlace<T>(
  place: Place,
  work: (deps: LogDeps, place: InCluster<Place>) => Promise<T>,
): Promise<T> {
  try {
    return await withPlace(place, async (deps) => {
      const clusterId = place.clusterId ?? (await findCluster(deps, place))
      return work({ ...deps, scope: createScope(clusterId) }, { ...place, clusterId })
    })
  } catch (error) {
    if (!(error instanceof Error && /is in use by another Millrace process/.test(error.message))) throw error
    throw new Error(`${error.message}: ask that server, with --url http://127.0.0.1:8082.`)
  }
}

async function findCluster(deps: LogDeps, place: Place): Promise<string> {
  const clusters = await createClusterRegistry(deps).list()
  // Without security there is one, and no list of it.
  if (clusters.length === 0) return localClusterId
  const there = clusters.filter(({ state }) => state !== 'DELETING')
  return onlyOf(
    there.map(({ clusterId }) => clusterId),
    renderPlace(place),
  )
}

/** Asks the server for its clusters where none was named. */
export async function atServer<T>(
  server: ServerPlace,
  work: (server: InCluster<ServerPlace>) => Promise<T>,
): Promise<T> {
  if (server.clusterId !== undefined) return work({ ...server, clusterId: server.clusterId })
  const response = await ask(server, '/v3/clusters')
  const listed = clustersSchema.safeParse(parseJson(await response.text()))
  if (!listed.success) throw notOurs(server, response)
  const ids = listed.data.data.map(({ cluster_id }) => cluster_id)
  return work({ ...server, clusterId: onlyOf(ids, server.url) })
}

const clustersSchema = z.object({ data: z.array(z.object({ cluster_id: z.string() })) })
const namedAtOnce = 20

/** Error: UsageError, with what may be said. */
function onlyOf(ids: readonly string[], where: string): string {
  const [only, ...others] = ids
  if (only === undefined) throw new UsageError(`${where} has no cluster.`)
  if (others.length === 0) return only
  const named = ids.slice(0, namedAtOnce).map((id) => `--cluster ${id}`)
  const more = ids.length > namedAtOnce ? ` or one of ${ids.length - namedAtOnce} more` : ''
  throw new UsageError(`${where} has several clusters: say ${named.join(', ')}${more}.`)
}

export async function askJson(
  server: InCluster<ServerPlace>,
  path: string,
  init: { readonly method?: string; readonly body?: unknown } = {},
): Promise<unknown> {
  const response = await ask(server, inCluster(server, path), init)
  const body = parseJson(await response.text())
  if (body === undefined) throw notOurs(server, response)
  return body
}

/** An answer of lines of JSON, as they come. */
export async function* askLines(
  server: InCluster<ServerPlace>,
  path: string,
  init: { readonly method?: string } = {},
): AsyncGenerator<unknown> {
  const response = await ask(server, inCluster(server, path), init)
  let rest = ''
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line)
  }
  if (rest !== '') throw new Error(`The answer of ${server.url} ends within a line.`)
}

const inCluster = ({ clusterId }: InCluster<ServerPlace>, path: string): string =>
  `/v3/clusters/${encodeURIComponent(clusterId)}/${path}`

async function ask(
  server: ServerPlace,
  path: string,
  { method = 'GET', body }: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Response> {
  const url = new URL(path, server.url)
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const key = server.authorization === undefined ? {} : { authorization: server.authorization }
  const headers = { ...key, ...type }
  const response = await fetch(url, { method, headers, ...json }).catch((error: unknown) => {
    const { cause } = error instanceof Error ? error : {}
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`No server answers at ${server.url}: ${why}`)
  })
  if (response.ok) return response
  const refusal = errorSchema.safeParse(parseJson(await response.text()))
  throw refusal.success ? new Error(refusal.data.message) : notOurs(server, response)
}

const errorSchema = z.object({ message: z.string() })

const notOurs = ({ url }: ServerPlace, { status }: Response): Error =>
  new Error(`${url} answers ${status} and not as a Millrace.`)

/** undefined: it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
