// `npm run api-key` on the data folder of a stopped server: what it makes opens the server when it runs again.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { schemaVersion } from '../shared/metadata/deployment.ts'
import { deploymentKey } from '../shared/metadata/scope.ts'
import { parseLocalConfig } from '../shared/runtime/config.ts'
import { openLocalServices } from '../shared/runtime/local.ts'
import { createCall } from './support/call.ts'

function apiKey(...args: readonly string[]) {
  const file = fileURLToPath(new URL('../shared/runtime/commands/apiKey.ts', import.meta.url))
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, AWS_ACCESS_KEY_ID: 'none', AWS_SECRET_ACCESS_KEY: 'none' }
    execFile(process.execPath, [file, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr })
    })
  })
}

/** A secured server; `work` calls it with a printed key. */
async function whileOpen<T>(data: string, work: (app: Parameters<typeof createCall>[0]) => Promise<T>) {
  const services = await openLocalServices(
    parseLocalConfig({ DATA_DIR: data, COMPACTION_INTERVAL_MS: '0', SECURE: 'true' }),
  )
  try {
    return await work(services.app)
  } finally {
    await services.close()
  }
}

const authorizationIn = (printed: string): { readonly authorization: string } => {
  const [, id, secret] = /^key +(\S+)\nsecret +(\S+)\n/.exec(printed) ?? []
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

const ownerIn = (printed: string) => /^owner +(\S+)$/m.exec(printed)?.[1]

async function createData(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-keys-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  await whileOpen(data, async () => {})
  return data
}

test('a key is made with a role, opens what the role opens, is listed without its secret and revoked', async (t) => {
  const data = await createData(t)
  const place = ['--data', data]
  const operator = await apiKey('create', ...place)
  assert.equal(operator.code, 0, operator.stderr)
  const role = ['--role', 'DeveloperWrite', '--resource', 'TOPIC:orders-*']
  const writer = await apiKey('create', '--cluster', 'local', '--owner', 'shop', ...role, ...place)
  assert.match(
    writer.stdout,
    /^key +[A-Z2-7]{16}\nsecret +[\w-]{43}\nowner +User:sa-[a-z2-7]{10}\ncluster +local\n$/,
  )
  await whileOpen(data, async (app) => {
    const asOperator = createCall(app, '/v3/clusters/local', authorizationIn(operator.stdout))
    for (const topic_name of ['orders-1', 'other']) {
      assert.equal((await asOperator('POST', '/topics', { topic_name })).status, 201)
    }
    const asWriter = createCall(app, '/v3/clusters/local', authorizationIn(writer.stdout))
    const record = { value: { type: 'STRING', data: 'v' } }
    assert.equal((await asWriter('POST', '/topics/orders-1/records', record)).status, 200)
    assert.equal((await asWriter('POST', '/topics/other/records', record)).status, 403)
  })
  const second = await apiKey('create', '--cluster', 'local', '--owner', 'shop', ...place)
  assert.equal(ownerIn(second.stdout), ownerIn(writer.stdout), 'the same service account')
  const [, secondId = ''] = /^key +(\S+)/.exec(second.stdout) ?? []
  assert.equal((await apiKey('revoke', '--id', secondId, ...place)).code, 0)
  const listed = await apiKey('list', '--cluster', 'local', ...place)
  assert.match(
    listed.stdout,
    /^[A-Z2-7]{16} {2}User:sa-[a-z2-7]{10} {2}created \S+Z, never expires, used \S+Z\n$/,
  )
  const [id = ''] = listed.stdout.split(' ')
  assert.equal((await apiKey('revoke', '--id', id, ...place)).code, 0)
  assert.equal((await apiKey('list', '--cluster', 'local', ...place)).stdout, '')
  await whileOpen(data, async (app) => {
    const asWriter = createCall(app, '/v3/clusters/local', authorizationIn(writer.stdout))
    assert.equal((await asWriter('GET', '/topics')).status, 401)
  })
})

test('what cannot be is refused with the help and code 2, or with a sentence and code 1', async (t) => {
  const data = await createData(t)
  const refused = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await apiKey(...args, '--data', data)
    assert.equal(stdout, '')
    return [code, stderr.split('\n')[0]]
  }
  const owned = ['create', '--cluster', 'local', '--owner', 'shop'] as const
  const cases: readonly (readonly [readonly string[], number, string])[] = [
    [[], 2, 'Say what to do: create, list or revoke.'],
    [['revoke'], 2, 'Name the key with --id.'],
    [['create', '--cluster', 'local'], 2, 'Say whose key it is with --owner.'],
    [['create', '--role', 'Operator'], 2, '--role goes with --cluster.'],
    [[...owned, '--resource', 'TOPIC:a'], 2, '--resource goes with --role.'],
    [[...owned, '--role', 'DeveloperRead'], 2, 'DeveloperRead is about a --resource.'],
    [[...owned, '--role', 'Operator', '--resource', 'TOPIC:a'], 2, 'Operator is not about TOPIC:a.'],
    [[...owned, '--expires', 'soon'], 2, '--expires soon is no time such as 2027-01-31T00:00:00Z.'],
    [['list', '--stage', 'dev'], 2, '--stage goes with --region alone.'],
    [['create', '--cluster', 'lkc-none', '--owner', 'shop'], 1, 'There is no cluster lkc-none.'],
    [['create', '--cluster', 'local', '--owner', 'sa-1'], 1, 'There is no service account sa-1.'],
    [['revoke', '--id', 'AAAAAAAAAAAAAAAA'], 1, 'There is no API key AAAAAAAAAAAAAAAA.'],
  ]
  // One after the other: a folder is open to one at a time.
  for (const [args, code, sentence] of cases) assert.deepEqual(await refused(...args), [code, sentence])
})

const itemOf = (Key: { readonly pk: { readonly S: string } }) =>
  Key.pk.S === deploymentKey.pk
    ? {
        Item: {
          ...Key,
          id: { S: 'id' },
          stage: { S: 'dev' },
          schema: { N: String(schemaVersion) },
          bucket: { S: 'b' },
        },
      }
    : {}

/** DynamoDB and S3, as far as they are asked, of a deployment that has no key. */
async function startEmptyAws(t: TestContext): Promise<string> {
  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1)
    const body = await text(request)
    if (operation === 'Query') response.end('{"Items":[],"Count":0}')
    else if (operation === 'GetItem') response.end(JSON.stringify(itemOf(JSON.parse(body).Key)))
    else response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`
}

test('on AWS keys are listed and revoked without the pepper, and made only with it', async (t) => {
  const place = ['--bucket', 'b', '--table', 't', '--cluster', 'local', '--region', 'eu-west-1']
  const endpoint = ['--endpoint', await startEmptyAws(t)]
  const words = async (...args: readonly string[]) => {
    const { code, stderr } = await apiKey(...args, ...place, ...endpoint)
    return `${code} ${stderr}`
  }
  assert.equal(await words('list'), '0 ')
  assert.match(await words('revoke', '--id', 'AAAAAAAAAAAAAAAA'), /^1 There is no API key AAAAAAAAAAAAAAAA\./)
  assert.match(await words('create', '--owner', 'shop'), /^1 .*PEPPER/)
})
