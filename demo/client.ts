// A small HTTP client for the demo: a refusal is an error that says what was asked and what was answered.

export interface Client {
  readonly clusterId: string
  send(method: string, path: string, request?: RequestInit): Promise<Response>
  sendJson(method: string, path: string, body?: unknown): Promise<Response>
}

/** A topic of the demo, and how to reach it. */
export interface Target {
  readonly client: Client
  readonly topicName: string
  readonly partitionCount: number
}

export async function connect(url: string, signal: AbortSignal): Promise<Client> {
  const send = async (method: string, path: string, request: RequestInit = {}): Promise<Response> => {
    const response = await fetch(new URL(path, url), { signal, ...request, method }).catch((error) => {
      throw new Error(`${method} ${new URL(path, url)} failed: ${reasonOf(error)}`)
    })
    if (response.ok) return response
    throw new Error(`${method} ${path} was refused: ${response.status} ${await response.text()}`)
  }
  const clusters = await send('GET', '/v3/clusters')
  const { data }: { data: readonly { readonly cluster_id: string }[] } = JSON.parse(await clusters.text())
  const [first] = data
  if (first === undefined) throw new Error(`${url} serves no cluster`)
  return {
    clusterId: first.cluster_id,
    send,
    sendJson: (method, path, body) =>
      send(method, path, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  }
}

export function topicPath({ client, topicName }: Pick<Target, 'client' | 'topicName'>): string {
  return `/v3/clusters/${encodeURIComponent(client.clusterId)}/topics/${encodeURIComponent(topicName)}`
}

// Node's fetch says only that it failed; why is in the cause.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
