// What the suite asks: the app in memory with security on, as an operator, or the deployment that MILLRACE_URL names.
// MILLRACE_CLUSTER is its cluster's id, MILLRACE_HEADERS what every request needs there, as a JSON object. The suite
// creates the topics `t` and `consumed`, stops where they exist, and deletes them.
import type { Requestable } from '../support/call.ts'
import { authorizationOf, createTestTenants } from '../support/testTenants.ts'

export interface Target {
  readonly app: Requestable
  /** What the app reported as a failure of ours; a deployment has it in its log. */
  readonly failures: readonly unknown[]
}

export async function openTarget(): Promise<Target> {
  const {
    MILLRACE_URL: url,
    MILLRACE_CLUSTER: clusterId = 'local',
    MILLRACE_HEADERS: given = '{}',
  } = process.env
  if (url === undefined) return openInMemory()
  const request: Requestable['request'] = (path, init) => {
    const named = path.replace('/clusters/local', `/clusters/${clusterId}`)
    return fetch(new URL(named, url), { ...init, headers: { ...JSON.parse(given), ...init.headers } })
  }
  return { app: { request }, failures: [] }
}

async function openInMemory(): Promise<Target> {
  const { app, operatorKey, failures } = await createTestTenants()
  const authorization = authorizationOf(operatorKey)
  const request: Requestable['request'] = (path, init) =>
    app.request(path, { ...init, headers: { authorization, ...init.headers } })
  return { app: { request }, failures }
}
