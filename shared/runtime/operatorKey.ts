// An API key of an operator, made by the function that nothing but IAM lets anybody invoke: so the first key needs no
// key, the pepper stays where it is, and who may make one is who may invoke the compactor.
//
//   the event    {"kind": "operator-key"}
//   its answer   {"keyId", "secret", "clusterId"}    the secret is shown here and nowhere again

import type { KeyObject } from 'node:crypto'
import { createApiKeys } from '../security/apiKeys.ts'
import { createClusterRegistry } from '../tenants/clusters.ts'
import { makeFirstCluster } from '../tenants/firstCluster.ts'
import { createOrganisations } from '../tenants/organisations.ts'

export const operatorKeyEvent = { kind: 'operator-key' } as const

export interface OperatorKey {
  readonly keyId: string
  readonly secret: string
  /** The cluster that the deployment begins with; made where there is none. */
  readonly clusterId: string
}

type Deps = Parameters<typeof createClusterRegistry>[0]

export const isOperatorKeyEvent = (event: unknown): boolean => textIn(event, 'kind') === operatorKeyEvent.kind

export async function createOperatorKey(
  deps: Deps,
  pepper: KeyObject,
  clusterId: string,
): Promise<OperatorKey> {
  const organisations = createOrganisations(deps)
  await makeFirstCluster({ organisations, clusters: createClusterRegistry(deps) }, clusterId)
  const { key, secret } = await createApiKeys({ ...deps, pepper }).create({
    clusterId: undefined,
    owner: 'User:operator',
    description: 'made by an invocation',
    expiresMs: undefined,
  })
  return { keyId: key.keyId, secret, clusterId }
}

export function parseOperatorKey(answer: unknown): OperatorKey {
  const [keyId, secret, clusterId] = ['keyId', 'secret', 'clusterId'].map((name) => textIn(answer, name))
  if (keyId !== undefined && secret !== undefined && clusterId !== undefined)
    return { keyId, secret, clusterId }
  throw new Error('The function answered with no key.')
}

function textIn(value: unknown, name: string): string | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  return typeof found === 'string' ? found : undefined
}
