// Every endpoint against everybody who may call: without credentials, with wrong or ended ones, from another cluster,
// without a right, with all of them. The endpoints are those of /openapi.json, so that one without a row fails.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dump } from '../support/keyWatch.ts'
import type { ApiKeyPair } from '../support/testTenants.ts'
import { namesNoCluster, type Right, type Row, rightsTable } from './rights.ts'
import { type Answer, type Asked, ask, createWorld, otherCluster, requestOf, type World } from './world.ts'

const rows = Object.entries(rightsTable)
const secured = rows.filter(([, { caller }]) => caller !== 'anybody')

test('every endpoint has a row of rights, and every row an endpoint', async () => {
  const { app } = await createWorld()
  const described = JSON.parse(await (await app.request('/openapi.json')).text())
  const endpoints = Object.entries<object>(described.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const listed = Object.keys(rightsTable)
  assert.deepEqual(
    endpoints.filter((endpoint) => !listed.includes(endpoint)),
    [],
    'give these a row in test/security/rights.ts',
  )
  assert.deepEqual(
    listed.filter((endpoint) => !endpoints.includes(endpoint)),
    [],
    'no such endpoint',
  )
})

test('without credentials, and with wrong, expired or revoked ones, every endpoint says 401 and the same', async () => {
  const world = await createWorld()
  const good = await world.makeKey('local', 'User:newcomer')
  const { expired, revoked } = await world.endedKeys()
  const wrong = { id: good.id, secret: revoked.secret }
  const before = await stored(world)
  for (const [operation, row] of secured) {
    for (const name of ['here', 'gone']) {
      const asked = requestOf(operation, row, name, world.ids)
      assert.equal((await ask(world, undefined, asked)).status, 401, operation)
      const answers = await Promise.all([wrong, expired, revoked].map((key) => ask(world, key, asked)))
      for (const answer of answers) assert.deepEqual(answer, refusedCredentials, operation)
    }
  }
  assert.deepEqual(await stored(world), before)
})

const refusedCredentials: Answer = {
  status: 401,
  text: '{"error_code":40101,"message":"The credentials are not known here, or not any more."}',
}

test('another cluster cannot tell what is there from what is not, and changes nothing', async () => {
  const world = await createWorld()
  const stranger = await world.makeKey(otherCluster, 'User:stranger')
  await world.bind('User:stranger', everyRight, otherCluster)
  const before = await storedOf(world, 'local')
  for (const [operation, row] of secured) {
    const [here, gone] = await bothAnswers(world, stranger, operation, row)
    assert.deepEqual(here, gone, operation)
    if (administers(row)) assert.ok([403, 404].includes(here.status), `${operation}: ${here.status}`)
    else if (operation.includes('{cluster_id}')) assert.equal(here.status, 404, operation)
  }
  assert.deepEqual(await storedOf(world, 'local'), before)
})

test('without any right every endpoint refuses, and does not say whether it is there', async () => {
  const world = await createWorld()
  const newcomer = await world.makeKey('local', 'User:newcomer')
  const before = await stored(world)
  for (const [operation, row] of secured) {
    const [here, gone] = await bothAnswers(world, newcomer, operation, row)
    assert.deepEqual(here, gone, operation)
    const [first] = row.needs.flat()
    if (administers(row)) assert.ok([403, 404].includes(here.status), `${operation}: ${here.status}`)
    else
      assert.equal(
        here.status,
        first === undefined ? 200 : (row.without[first] ?? 403),
        `${operation} ${here.text}`,
      )
    assertLeftOut(operation, row, here, world)
  }
  assert.deepEqual(await stored(world), before)
})

test('with its rights and no others every endpoint answers, and with one less it does not', async () => {
  for (const [operation, row] of secured.filter(([, { needs }]) => needs.length > 0)) {
    for (const rights of waysToHave(row)) {
      const { world, key } = await worldWith(rights)
      const answer = await ask(world, key, requestOf(operation, row, 'here', world.ids))
      assert.ok(answer.status < 300, `${operation} with ${rights}: ${answer.status} ${answer.text}`)
      assert.doesNotMatch(answer.text, /"error_code":4/, operation)
      if (row.needs.length > 1) await assertEachIsNeeded(operation, row, rights)
    }
  }
})

test('an operator is answered by every endpoint, but by none that would have to guess the cluster', async () => {
  for (const [operation, row] of rows) {
    const world = await createWorld()
    const before = await stored(world)
    const answer = await ask(world, world.operatorKey, requestOf(operation, row, 'here', world.ids))
    if (namesNoCluster(operation)) {
      assert.equal(answer.status, 400, operation)
      assert.match(answer.text, /several clusters/, operation)
      assert.deepEqual(await stored(world), before, operation)
    } else assert.ok(answer.status < 300, `${operation}: ${answer.status} ${answer.text}`)
  }
})

async function assertEachIsNeeded(operation: string, row: Row, rights: readonly Right[]): Promise<void> {
  for (const missing of rights) {
    const { world, key } = await worldWith(rights.filter((right) => right !== missing))
    const before = await stored(world)
    const [here, gone] = await bothAnswers(world, key, operation, row)
    const expected = row.without[missing] ?? 403
    assert.equal(here.status, expected, `${operation} without ${missing}: ${here.text}`)
    if (missing.endsWith('TOPIC') && expected !== 200)
      assert.doesNotMatch(here.text, /topic-here.*exist/, operation)
    if (!missing.endsWith('TOPIC')) assert.deepEqual(here, gone, operation)
    assertLeftOut(operation, row, here, world)
    assert.deepEqual(await stored(world), before, operation)
  }
}

/** An answer that is not about a topic that it names itself names none. */
function assertLeftOut(operation: string, row: Row, { text }: Answer, { ids }: World): void {
  const { path, body } = requestOf(operation, row, 'here', ids)
  if (`${path}${JSON.stringify(body)}`.includes('topic-here')) return
  assert.ok(!text.includes('topic-here'), `${operation}: ${text}`)
}

async function worldWith(rights: readonly Right[]) {
  const world = await createWorld()
  await world.bind('User:newcomer', rights)
  return { world, key: await world.makeKey('local', 'User:newcomer') }
}

const administers = ({ caller }: Row): boolean => caller === 'operator' || caller === 'organisation'

/** Each way to fulfil the alternatives. */
function waysToHave({ needs }: Row): readonly (readonly Right[])[] {
  return needs.reduce<readonly (readonly Right[])[]>(
    (ways, need) => ways.flatMap((way) => [need].flat().map((right) => [...way, right])),
    [[]],
  )
}

const everyRight: readonly Right[] = [...new Set(rows.flatMap(([, { needs }]) => needs.flat()))]

/** Of what is there and of what is not, the names made alike. */
async function bothAnswers(world: World, key: ApiKeyPair, operation: string, row: Row) {
  const about = async (name: string): Promise<Answer> => {
    const asked: Asked = requestOf(operation, row, name, world.ids)
    const { status, text } = await ask(world, key, asked)
    return { status, text: text.replaceAll('-gone', '-here') }
  }
  return [await about('here'), await about('gone')] as const
}

/** Everything in table and bucket, but for when a key was used. */
async function stored({ dump }: World): Promise<Dump> {
  const { items, objects } = await dump()
  return { objects, items: items.filter(({ key }) => !key.pk.startsWith('deployment/key/')) }
}

async function storedOf({ dump }: World, clusterId: string): Promise<Dump> {
  const { items, objects } = await dump()
  const isOwn = (name: string) => name.startsWith(`${clusterId}/`)
  return {
    items: items.filter(({ key }) => isOwn(key.pk)),
    objects: objects.filter(({ name }) => isOwn(name)),
  }
}
