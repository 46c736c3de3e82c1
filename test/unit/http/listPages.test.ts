// The lists of the administration in pages: joined, they are the list, whatever is made and deleted meanwhile, and
// where to go on is said in a way that nobody can bend.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { queryPage } from '../../../shared/ports/queryPage.ts'
import type { Query } from '../../../shared/ports/table.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import type { Call } from '../../support/call.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const ids = Array.from({ length: 30 }, (_, index) => `id-${String(index).padStart(2, '0')}`)
const someIds = fc.uniqueArray(fc.constantFrom(...ids))

test('pages joined are the list, each entry once, whatever is made and deleted between them', async () => {
  const change = fc.record({ gone: someIds, made: someIds })
  const changes = fc.array(change, { maxLength: 6 })
  const size = fc.integer({ min: 1, max: 12 })
  await fc.assert(
    fc.asyncProperty(
      someIds,
      size,
      changes,
      fc.constantFrom('', 'own/'),
      async (first, size, made, prefix) => {
        const list = createList(prefix)
        // Of somebody else, on either side.
        if (prefix !== '') for (const sk of ['omen/id-00', 'own', 'owner/id-00']) await list.put(sk, '')
        for (const id of first) await list.put(id)
        const seen = await joinPages(list, size, made)
        const steady = first.filter((id) => !made.some(({ gone }) => gone.includes(id)))
        const ever = [...first, ...made.flatMap((one) => one.made)]
        assert.deepEqual(seen, [...new Set(seen)].sort(), 'in order, none twice')
        assert.deepEqual(without(steady, seen), [], 'none is hidden')
        assert.deepEqual(without(seen, ever), [], 'nobody else’s')
        if (made.length === 0) assert.deepEqual(seen, [...first].sort())
      },
    ),
  )
})

interface Change {
  readonly gone: readonly string[]
  readonly made: readonly string[]
}

const without = (all: readonly string[], some: readonly string[]) => all.filter((id) => !some.includes(id))

/** Each change comes behind a page. */
async function joinPages(
  { deps, list, put, remove }: List,
  size: number,
  changes: readonly Change[],
): Promise<readonly string[]> {
  const seen: string[] = []
  let token: string | undefined
  let pages = 0
  do {
    const page = await queryPage(deps, list, { size, token }, ({ key }) => key.sk.split('/').at(-1))
    assert.ok(page.entries.length <= size)
    assert.ok(page.next === undefined || page.entries.length === size)
    seen.push(...page.entries)
    token = page.next
    const { gone, made } = changes[pages++] ?? { gone: [], made: [] }
    for (const id of gone) await remove(id)
    for (const id of made) await put(id)
  } while (token !== undefined)
  return seen
}

test('an entry that went while it was read makes a page shorter, and ends no list', async () => {
  const { deps, list, put } = createList('')
  for (const id of ids) await put(id)
  const read = ({ key: { sk } }: { key: { sk: string } }) => (sk < 'id-20' ? undefined : sk)
  const seen: string[] = []
  let token: string | undefined
  do {
    const page = await queryPage(deps, list, { size: 10, token }, read)
    seen.push(...page.entries)
    token = page.next
  } while (token !== undefined)
  assert.deepEqual(seen, ids.slice(20))
})

test('a token that was bent anywhere, cut, lengthened or written otherwise is refused', async () => {
  const { deps, list, put } = createList('own/')
  for (const id of ids) await put(id)
  const pageBehind = (token: string, of = list) =>
    queryPage(deps, of, { size: 2, token }, ({ key }) => key.sk)
  const { next = '' } = await queryPage(deps, list, { size: 2, token: undefined }, () => '')
  assert.deepEqual((await pageBehind(next)).entries, ['own/id-02', 'own/id-03'])
  const wrong = [
    ...Array.from(
      next,
      (letter, at) => next.slice(0, at) + (letter === 'A' ? 'B' : 'A') + next.slice(at + 1),
    ),
    ...Array.from(next, (_, at) => next.slice(0, at)),
    ...['A', '=', ' ', '%', '\n', '\0', 'é'].flatMap((letter) => [next + letter, letter + next]),
    'own/id-01',
    Buffer.from('own/id-01').toString('base64url'),
  ]
  const isRefusal = { code: 'BAD_REQUEST', message: /"page_token"/ }
  for (const token of wrong) await assert.rejects(pageBehind(token), isRefusal, JSON.stringify(token))
  await assert.rejects(pageBehind(next, { ...list, prefix: 'owner/' }), isRefusal)
  await assert.rejects(pageBehind(next, { ...list, pk: 'another' }), isRefusal)
})

type List = ReturnType<typeof createList>

function createList(prefix: string) {
  const deps = { table: memoryPorts().table, clock: createVirtualClock(), random: systemRandom }
  const list = { pk: 'a/list', ...(prefix === '' ? {} : { prefix }) }
  const keyOf = (id: string, before = prefix) => ({ pk: list.pk, sk: before + id })
  return {
    deps,
    list,
    put: (id: string, before?: string) =>
      deps.table.write({ kind: 'put', key: keyOf(id, before), attributes: {} }),
    remove: (id: string) => deps.table.write({ kind: 'delete', key: keyOf(id) }),
  }
}

test('every list is answered in pages of ten or as many as are wanted, joined by their links', async () => {
  const { operator, organisation, paths } = await createLists()
  for (const { call, path, count } of [
    ...paths.map((path) => ({ call: operator, path, count: 12 })),
    { call: operator, path: clustersPath, count: 14 },
    { call: organisation, path: clustersPath, count: 12 },
    { call: operator, path: accountsPath, count: 13 },
    { call: organisation, path: accountsPath, count: 12 },
    { call: operator, path: organizationsPath, count: 14 },
    { call: organisation, path: organizationsPath, count: 1 },
  ]) {
    const first = await call('GET', path)
    assert.equal(first.body.data.length, Math.min(10, count), path)
    assert.equal(first.body.metadata.first, `http://localhost${path}`)
    const whole = await idsOf(call, path)
    assert.equal(new Set(whole).size, count, path)
    for (const size of [1, 5, count, 100]) {
      assert.deepEqual(await idsOf(call, asking(path, `page_size=${size}`)), whole, `${path} by ${size}`)
    }
    const exact = asking(path, `page_size=${count}`)
    const { metadata } = (await call('GET', exact)).body
    assert.deepEqual(metadata, { first: `http://localhost${exact}` }, 'nothing follows')
  }
})

test('a page costs a page', async () => {
  const { operator, organisation, queries, paths } = await createLists()
  for (const call of [operator, organisation]) await call('GET', `${clustersPath}?page_size=2`)
  for (const [call, path] of [
    ...paths.map((one) => [operator, one] as const),
    [operator, clustersPath],
    [organisation, clustersPath],
    [organisation, accountsPath],
  ] as const) {
    queries.length = 0
    assert.equal((await call('GET', asking(path, 'page_size=2'))).status, 200)
    assert.deepEqual(
      queries.map(({ limit }) => limit),
      [3],
      path,
    )
  }
})

test('a page that nobody can have is refused, and the refusal names what is wrong', async () => {
  const { operator, organisation, stranger, paths } = await createLists()
  const tokenOf = async (call: Call, path: string) =>
    new URL((await call('GET', path)).body.metadata.next).searchParams.get('page_token') ?? ''
  const own = await tokenOf(organisation, clustersPath)
  const refused = async (call: Call, path: string, name: string) => {
    const answer = await call('GET', path)
    assert.equal(answer.status, 400, path)
    assert.match(answer.body.message, new RegExp(`"${name}"`), path)
  }
  for (const size of ['0', '101', '-1', '1.5', '010', 'ten', '', '1&page_size=2']) {
    await refused(operator, `${clustersPath}?page_size=${size}`, 'page_size')
  }
  for (const token of ['', 'x', 'lkc-1', 'a'.repeat(300), `${own}A`, `${own}&page_token=${own}`]) {
    await refused(organisation, `${clustersPath}?page_token=${token}`, 'page_token')
  }
  // Another list's, another organisation's, the operators'.
  for (const path of [...paths, organizationsPath, accountsPath]) {
    await refused(operator, asking(path, `page_token=${own}`), 'page_token')
  }
  for (const call of [stranger, operator])
    await refused(call, `${clustersPath}?page_token=${own}`, 'page_token')
  for (const path of [clustersPath, accountsPath, organizationsPath]) {
    await refused(organisation, `${path}?page_token=${await tokenOf(operator, path)}`, 'page_token')
  }
})

test('an organisation’s pages are full of its own, and their links name nobody else’s', async () => {
  const { operator, organisation } = await createLists()
  for (const path of [clustersPath, accountsPath]) {
    const own = await idsOf(organisation, path)
    const others = (await idsOf(operator, path)).filter((id) => !own.includes(id))
    assert.ok(others.length > 0)
    let next: string | undefined = `${path}?page_size=4`
    while (next !== undefined) {
      const { body } = await organisation('GET', next)
      assert.equal(body.data.length, 4)
      next = followed(body)
      const token = new URLSearchParams(next?.split('?')[1]).get('page_token') ?? ''
      const shown = `${next} ${Buffer.from(token, 'base64url')}`
      for (const id of others) assert.ok(!shown.includes(id))
    }
  }
})

const asking = (path: string, query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`

/** Where the answer says that the next page is, without the server's own address. */
function followed({ metadata }: { readonly metadata: { readonly next?: string } }): string | undefined {
  if (metadata.next === undefined) return undefined
  const { origin, pathname, search } = new URL(metadata.next)
  assert.equal(origin, 'http://localhost')
  return pathname + search
}

async function idsOf(call: Call, path: string): Promise<readonly string[]> {
  const ids: string[] = []
  let next: string | undefined = path
  while (next !== undefined) {
    const { status, body } = await call('GET', next)
    assert.equal(status, 200, next)
    ids.push(...body.data.map(({ id }: { id: string }) => id))
    next = followed(body)
  }
  return ids
}

/** Twelve of everything of one organisation, and some of others; `paths`: lists of twelve, to an operator. */
async function createLists() {
  const queries: Query[] = []
  const { table, objects } = memoryPorts()
  const query = (asked: Query) => {
    queries.push(asked)
    return table.query(asked)
  }
  const ports = { objects, table: { ...table, query } }
  const world = await createTestTenants({ ports, clock: createVirtualClock() })
  const { organisations } = world.tenants
  const operator = world.callAs(world.operatorKey)
  const { id: shop } = await organisations.create('shop')
  await organisations.update(shop, () => ({ limits: { clusters: 12 } }))
  const { id: strangers } = await organisations.create('strangers')
  // With the deployment's first two.
  await times(10, () => organisations.create('another'))
  const organisation = world.callAs(await world.makeOrganisationKey(shop))
  const stranger = world.callAs(await world.makeOrganisationKey(strangers))
  await times(11, () => world.makeOrganisationKey(shop))
  await times(11, () => world.makeKey(undefined, 'User:another'))
  const [cluster = ''] = await times(12, () => makeIn(organisation, clustersPath, { spec: named }))
  await times(12, () => makeIn(organisation, accountsPath, named))
  await times(12, () => world.makeKey(cluster, 'User:a'))
  await makeIn(stranger, clustersPath, { spec: named })
  await makeIn(stranger, accountsPath, named)
  const issuer = 'https://issuer.example'
  const [provider = ''] = await times(12, () => makeIn(operator, providersPath, { ...named, issuer }))
  const pools = `${providersPath}/${provider}/identity-pools`
  const pool = { ...named, identity_claim: 'claims.sub', audience: 'a', resource: { id: cluster } }
  await times(12, () => makeIn(operator, pools, pool))
  const keys = [keysPath, `${keysPath}?spec.resource=${shop}`, `${keysPath}?spec.resource=${cluster}`]
  return { operator, organisation, stranger, queries, paths: [...keys, providersPath, pools] }
}

const clustersPath = '/cmk/v2/clusters'
const accountsPath = '/iam/v2/service-accounts'
const organizationsPath = '/org/v2/organizations'
const keysPath = '/iam/v2/api-keys'
const providersPath = '/iam/v2/identity-providers'
const named = { display_name: 'n' }

async function times<T>(count: number, make: () => Promise<T>): Promise<readonly T[]> {
  const made: T[] = []
  while (made.length < count) made.push(await make())
  return made
}

async function makeIn(call: Call, path: string, body: unknown): Promise<string> {
  const answer = await call('POST', path, body)
  assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.id
}
