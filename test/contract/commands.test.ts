// The operator's commands on AWS, as processes of their own, on dynalite and on a server of S3's operations.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { S3Client } from '@aws-sdk/client-s3'
import { createScope } from '../../shared/metadata/scope.ts'
import { pepperOf } from '../../shared/runtime/awsConfig.ts'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createCluster } from '../../shared/service/createCluster.ts'
import { takeDeployment } from '../../shared/service/deployment.ts'
import { defaultClusterSettings } from '../../shared/service/settings.ts'
import { createS3ObjectStore } from '../../shared/storage/aws/objectStore.ts'
import { createDynamoTable } from '../../shared/storage/aws/table.ts'
import { keyed, produceEach } from '../support/compactorTools.ts'
import { createTopic } from '../support/logTools.ts'
import { createTestTenants } from '../support/testTenants.ts'
import { startDynamoServer } from './dynamoServer.ts'
import { startS3Server } from './s3Server.ts'

const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }

/** A cluster `acme` with a topic `t`, compacted by key, of three flushes. */
async function startAws(t: TestContext) {
  const dynamo = await startDynamoServer('millrace')
  const s3 = await startS3Server('segments')
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    forcePathStyle: true,
    maxAttempts: 1,
  })
  t.after(async () => {
    client.destroy()
    await Promise.all([dynamo.close(), s3.close()])
  })
  const ports = { clock: systemClock, random: systemRandom }
  const deps = {
    ...ports,
    objects: createS3ObjectStore({ client, bucket: 'segments', ...ports }),
    table: createDynamoTable({ client: dynamo.client, tableName: 'millrace', ...ports }),
    scope: createScope('acme'),
    reportBackgroundFailure: assert.ifError,
  }
  await takeDeployment(deps, 'test', 'segments')
  const cluster = createCluster(deps, 'acme', defaultClusterSettings)
  await createTopic(cluster, 't', 1, { 'cleanup.policy': 'compact', 'millrace.write.path': 's3' })
  await produceEach(cluster, [keyed('a', 'one'), keyed('b', 'two'), keyed('a', 'three')])
  await cluster.idle()
  const environment = {
    ...credentials,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
  }
  return { deps, environment }
}

const where = ['--bucket', 'segments', '--table', 'millrace', '--cluster', 'acme', '--region', 'us-east-1']

type Name = 'apiKey' | 'compact' | 'dumpLog' | 'verify'

/** The exit code and what was printed. */
function command(environment: Readonly<Record<string, string>>, name: Name, ...args: readonly string[]) {
  const file = fileURLToPath(new URL(`../../shared/runtime/commands/${name}.ts`, import.meta.url))
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [file, ...args], { env: environment }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr })
    })
  })
}

test('on AWS a topic is compacted, checked and looked into', async (t) => {
  const { deps, environment } = await startAws(t)
  const dry = await command(environment, 'compact', '--topic', 't', ...where, '--dry-run')
  assert.match(dry.stdout, /^would merge \d+ bytes in 3 extents of t-0\n$/, dry.stderr)
  const real = await command(environment, 'compact', '--topic', 't', ...where)
  assert.deepEqual([real.code, real.stderr], [0, ''])
  assert.match(real.stdout, /^2 segments written\n1 records dropped$/m)

  const { objects } = await deps.objects.list(deps.scope.segmentObjects, { limit: 10 })
  const dumps = await Promise.all(
    objects.map(({ name }) => command(environment, 'dumpLog', name, ...where, '--print-data')),
  )
  assert.deepEqual(
    dumps.map(({ code }) => code),
    [0, 0],
  )
  assert.ok(dumps.some(({ stdout }) => !stdout.includes('payload: one') && stdout.includes('payload: three')))

  const whole = await command(environment, 'verify', ...where)
  assert.deepEqual([whole.code, whole.stderr], [0, ''])
  assert.match(
    whole.stdout,
    /^checked: 1 topics, 1 partitions, 1 segments, 3 extents of flushes, \d+ bytes$/m,
  )
  const [flush] = (await deps.objects.list(deps.scope.logObjects, { limit: 1 })).objects
  await deps.objects.delete([flush?.name ?? ''])
  const damaged = await command(environment, 'verify', ...where)
  assert.equal(damaged.code, 1)
  assert.match(damaged.stdout, new RegExp(`^dangling {2}t-0: object ${flush?.name} is missing$`, 'm'))
})

test('bucket, table and cluster may come from the environment, and --data goes before them', async (t) => {
  const { environment } = await startAws(t)
  const names = { BUCKET: 'segments', TABLE: 'millrace', CLUSTER_ID: 'acme', AWS_REGION: 'us-east-1' }
  const all = await command({ ...environment, ...names }, 'verify')
  assert.deepEqual([all.code, all.stderr], [0, ''])
  assert.match(all.stdout, /^checked: 1 topics, /m)
  const other = await command({ ...environment, ...names }, 'compact', '--topic', 't', '--cluster', 'other')
  const unknown = "There is no topic 't' in cluster other of bucket segments and table millrace.\n"
  assert.deepEqual([other.code, other.stderr], [1, unknown])
  const folder = await command({ ...environment, ...names }, 'verify', '--data', '/nowhere')
  assert.match(folder.stderr, /^There is no data of a Millrace server in \/nowhere/)
  const local = await command({ BUCKET: 'segments' }, 'dumpLog', 'x')
  assert.match(local.stderr, /in \.\/data: /, 'a bucket alone is not a place')
})

test('on AWS a key is made with a role, opens under the pepper of the functions, is listed and revoked', async (t) => {
  const { deps, environment } = await startAws(t)
  const pepper = 'the functions alone know this text'
  const { tenants, callAs } = await createTestTenants({ ports: deps, pepper: pepperOf(pepper) })
  await tenants.registry.create({ organisationId: 'org-1', name: 'acme' }, 'acme')
  const place = ['--bucket', 'segments', '--table', 'millrace', '--region', 'us-east-1']
  const keys = async (...args: readonly string[]) => {
    const done = await command({ ...environment, PEPPER: pepper }, 'apiKey', ...args, ...place)
    assert.deepEqual([done.code, done.stderr], [0, ''])
    return done.stdout
  }
  const callBy = (printed: string) => {
    const [, id = '', secret = ''] = /^key +([A-Z2-7]{16})\nsecret +([\w-]{43})\n/.exec(printed) ?? []
    return { id, call: callAs({ id, secret }, '/v3/clusters/acme') }
  }
  const operator = callBy(await keys('create'))
  assert.equal((await operator.call('POST', '/topics', { topic_name: 'other' })).status, 201)
  const role = ['--role', 'DeveloperWrite', '--resource', 'TOPIC:t']
  const writer = callBy(await keys('create', '--cluster', 'acme', '--owner', 'shop', ...role))
  const text = { type: 'STRING', data: 'x' }
  const record = { key: text, value: text }
  assert.equal((await writer.call('POST', '/topics/other/records', record)).status, 403)
  assert.equal((await writer.call('POST', '/topics/t/records', record)).status, 200)
  assert.match(
    await keys('list', '--cluster', 'acme'),
    new RegExp(`^${writer.id} {2}User:sa-[a-z2-7]{10} {2}created .*\n$`),
  )
  assert.ok((await keys('list')).includes(`${operator.id}  User:operator  `))
  for (const { id } of [operator, writer]) assert.equal(await keys('revoke', '--id', id), '')
  assert.equal(await keys('list', '--cluster', 'acme'), '')
  assert.ok(!(await keys('list')).includes(operator.id))
  await tenants.close()
})

test('on AWS no key is made without the pepper, or for a cluster that is not there', async (t) => {
  const { environment } = await startAws(t)
  const pepper = 'the functions alone know this text'
  for (const [more, sentence] of [
    [{}, /^PEPPER is missing: .*\n$/],
    [{ PEPPER: 'short' }, /^PEPPER is too short: .*\n$/],
    [{ PEPPER: pepper }, /^There is no cluster acme\.\n$/],
  ] as const) {
    const create = ['create', '--owner', 'sa-1', ...where]
    const refused = await command({ ...environment, ...more }, 'apiKey', ...create)
    assert.deepEqual([refused.code, refused.stdout], [1, ''])
    assert.match(refused.stderr, sentence)
  }
  const listed = await command({ ...environment, PEPPER: pepper }, 'apiKey', 'list', ...where)
  assert.deepEqual([listed.code, listed.stdout], [0, ''])
})

test('what cannot be reached or does not belong together is refused in a sentence', async (t) => {
  const { environment } = await startAws(t)
  const verify = (...args: readonly string[]) => command(environment, 'verify', ...args, '--cluster', 'acme')
  const region = ['--region', 'us-east-1']
  const table = await verify('--bucket', 'segments', '--table', 'nope', ...region)
  assert.equal(table.code, 1)
  assert.match(table.stderr, /^The table nope cannot be read: DynamoDB: ResourceNotFoundException: .*\n$/)
  const bucket = await verify('--bucket', 'nope', '--table', 'millrace', ...region)
  assert.deepEqual([bucket.code, bucket.stdout], [1, ''])
  assert.match(bucket.stderr, /^The bucket nope .*\n$/)
  const nowhere = await verify('--bucket', 'segments', '--table', 'millrace')
  assert.match(nowhere.stderr, /^The table millrace cannot be read: .*[Rr]egion is missing.*\n$/)
  const { AWS_ACCESS_KEY_ID, ...keyless } = {
    ...environment,
    AWS_EC2_METADATA_DISABLED: 'true',
    HOME: '/nowhere',
  }
  const nobody = await command(keyless, 'verify', ...where)
  assert.match(nobody.stderr, /^The table millrace cannot be read: .*credentials.*\n$/)
  const closed = await command(credentials, 'verify', ...where, '--endpoint', 'http://127.0.0.1:9')
  assert.match(closed.stderr, /^The table millrace cannot be read: .*ECONNREFUSED.*\n$/)
})

test('half a place, two places and a cluster that cannot be are refused with the help and code 2', async () => {
  const refused = async (pattern: RegExp, name: Name, ...args: readonly string[]) => {
    const { code, stdout, stderr } = await command({}, name, ...args)
    assert.deepEqual([code, stdout], [2, ''], stderr)
    assert.match(stderr, pattern)
  }
  await Promise.all([
    refused(/^Name the table on AWS with --table or TABLE\.\n/, 'verify', '--bucket', 'b', '--cluster', 'c'),
    refused(/^Name the bucket on AWS with --bucket or BUCKET\.\n/, 'dumpLog', 'x', '--region', 'r'),
    refused(/^Give --data or a bucket on AWS, not both\.\n/, 'verify', '--data', 'd', '--bucket', 'b'),
    refused(
      /^Give --url, --data or a bucket/,
      'compact',
      '--topic',
      't',
      '--url',
      'http://x',
      '--bucket',
      'b',
    ),
    refused(/^The cluster "a\/b" cannot be: /, 'verify', '--bucket', 'b', '--table', 't', '--cluster', 'a/b'),
    refused(/^--endpoint x is not a URL\.\n/, 'verify', '--bucket', 'b', '--endpoint', 'x'),
  ])
})
