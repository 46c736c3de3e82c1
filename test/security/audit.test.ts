// What the audit log tells of every endpoint, asked by who may and by who may not: never a secret, never a record, and
// of every change and every refusal by which right.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '../../shared/service/auditEvent.ts'
import { auditEventsOf } from '../support/auditEvents.ts'
import { rightsTable } from './rights.ts'
import { type Asked, ask, createWorld, requestOf, type World } from './world.ts'

const storedRecord = 'stored-and-nobodys-business'
const sentRecord = 'sent-and-nobodys-business'
const sentPassword = 'typed-and-nobodys-business'

test('no event of any endpoint holds a secret, or bytes of a record', async () => {
  for (const [operation, row] of Object.entries(rightsTable)) {
    const world = await createWorld(() => {}, storedRecord)
    const newcomer = await world.makeKey('local', 'User:newcomer')
    const asked = telling(requestOf(operation, row, 'here', world.ids))
    const told: AuditEvent[] = []
    const secrets = [storedRecord, sentRecord, sentPassword, ...secretsOf(asked)]
    for (const key of [newcomer, world.operatorKey]) {
      const { text } = await ask(world, key, asked)
      secrets.push(key.secret, ...secretsIn(text))
      told.push(...(await eventsOf(world)))
    }
    const text = JSON.stringify(told)
    assert.match(text, /"methodName":"kafka.Authentication"/, operation)
    for (const secret of secrets) assertHidden(text, secret, operation)
  }
})

test('what an event says of a right is that it was granted by something, or refused', async () => {
  for (const [operation, row] of Object.entries(rightsTable)) {
    const world = await createWorld()
    const newcomer = await world.makeKey('local', 'User:newcomer')
    const all = row.needs.flat()
    await world.bind('User:newcomer', all)
    await ask(world, newcomer, requestOf(operation, row, 'here', world.ids))
    for (const event of (await eventsOf(world)).filter(isOf('User:newcomer'))) {
      if (!('authorizationInfo' in event.data)) continue
      const { granted, ...info } = event.data.authorizationInfo
      assert.equal(granted, event.data.result.status !== 'PERMISSION_DENIED', operation)
      if (granted) assert.ok('aclAuthorization' in info, `${operation}: ${JSON.stringify(event)}`)
    }
  }
})

const isOf =
  (principal: string) =>
  ({ data }: AuditEvent): boolean =>
    data.authenticationInfo.principal === principal

/** Of the cluster, and of the deployment. */
async function eventsOf(world: World): Promise<readonly AuditEvent[]> {
  return [...(await auditEventsOf(world)), ...world.told]
}

/** With a body that can be told from any other text. */
function telling(asked: Asked): Asked {
  const { body } = asked
  if (body === undefined || body instanceof Uint8Array) return asked
  const text = JSON.stringify(body)
    .replaceAll('"data":"v"', `"data":"${sentRecord}"`)
    .replaceAll('"AA=="', `"${Buffer.from(sentRecord).toString('base64')}"`)
    .replaceAll('"a secret"', `"${sentPassword}"`)
  return { ...asked, body: JSON.parse(text) }
}

/** What encoded records hold. */
const secretsOf = ({ body }: Asked): readonly string[] =>
  body instanceof Uint8Array ? [Buffer.from(body).subarray(61).toString('latin1')] : []

const secretsIn = (text: string): readonly string[] =>
  Array.from(text.matchAll(/"secret":"([^"]+)"/g), ([, secret = '']) => secret)

function assertHidden(told: string, secret: string, operation: string): void {
  const bytes = Buffer.from(secret)
  for (const form of [secret, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]) {
    assert.ok(!told.includes(form.slice(0, 16)), `${operation} tells of ${secret}`)
  }
}
