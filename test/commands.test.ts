// The operator's commands as processes of their own, on small data folders and against a running server.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { encodeBatch } from '../shared/kafka/recordBatch.ts'
import { createScope } from '../shared/metadata/scope.ts'
import { parseLocalConfig } from '../shared/runtime/config.ts'
import { openLocalServices } from '../shared/runtime/local.ts'
import { startServer } from '../shared/runtime/server.ts'
import { openEmbeddedStorage } from '../shared/storage/embedded/open.ts'

const topics = '/v3/clusters/local/topics'

/** The exit code and what was printed. */
function command(name: 'apiKey' | 'compact' | 'dumpLog' | 'verify', ...args: readonly string[]) {
  const file = fileURLToPath(new URL(`../shared/runtime/commands/${name}.ts`, import.meta.url))
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr })
    })
  })
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-commands-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

/** A server without a timer, with a topic `t` that is compacted by key. */
async function startWithTopic(data: string) {
  const services = await openLocalServices(parseLocalConfig({ DATA_DIR: data, COMPACTION_INTERVAL_MS: '0' }))
  const server = await startServer(services.app, '127.0.0.1', 0)
  const post = async (path: string, type: string, body: string | Uint8Array<ArrayBuffer>) => {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`)
  }
  const configs = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'millrace.write.path', value: 's3' },
  ]
  await post(topics, 'application/json', JSON.stringify({ topic_name: 't', partitions_count: 1, configs }))
  return {
    url: server.url,
    produce: (key: string, value: string, sequence: number) => {
      const producer = { id: 5n, epoch: 0, baseSequence: sequence }
      const headers = [{ key: 'h', value: Buffer.from('\u001b[31m') }]
      const record = { timestamp: 1000, key: Buffer.from(key), value: Buffer.from(value), headers }
      const batch = Uint8Array.from(encodeBatch({ records: [record], codec: 'none', producer }))
      return post(`${topics}/t/partitions/0/records`, 'application/vnd.millrace.recordbatch', batch)
    },
    async stop() {
      await server.stop(0)
      await services.close()
    },
  }
}

/** A server with security on, and its operator's key. */
async function startSecure(t: TestContext, data: string) {
  const config = parseLocalConfig({ DATA_DIR: data, COMPACTION_INTERVAL_MS: '0' })
  const services = await openLocalServices({ ...config, secure: true })
  const server = await startServer(services.app, '127.0.0.1', 0)
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= server.stop(0).then(services.close)
    return stopped
  }
  t.after(stop)
  const first = await services.makeFirstKey()
  const key = `${first?.id}:${first?.secret}`
  return {
    key,
    url: server.url,
    /** A second cluster; answers its id. */
    async makeCluster(): Promise<string> {
      const authorization = `Basic ${Buffer.from(key).toString('base64')}`
      const response = await fetch(`${server.url}/cmk/v2/clusters`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ spec: { display_name: 'second' } }),
      })
      const { id } = (await response.json()) as { id: string }
      return id
    },
    stop,
  }
}

/** A stopped server's folder with three flushes of topic `t`. */
async function createFolder(t: TestContext): Promise<string> {
  const data = await temporaryFolder(t)
  const server = await startWithTopic(data)
  await server.produce('a', 'one', 0)
  await server.produce('b', 'two', 1)
  await server.produce('a', 'three', 2)
  await server.stop()
  return data
}

const stored = (data: string) => join(data, 'objects', 'stored')

async function objectsOf(data: string, level: 'log' | 'segment'): Promise<string[]> {
  const names = await readdir(stored(data), { recursive: true })
  return names
    .filter((name) => name.startsWith(`local/${level}/`) && name.endsWith('@'))
    .map((name) => name.slice(0, -1))
    .sort()
}

async function damage(data: string, name: string, position: number): Promise<void> {
  const file = join(stored(data), `${name}@`)
  const bytes = await readFile(file)
  bytes[position] = (bytes[position] ?? 0) ^ 1
  await writeFile(file, bytes)
}

// Most of a test's time is the start of processes.
describe('commands', { concurrency: 6 }, () => {
  test('every command has --help, and refuses what it does not know with its help and code 2', async () => {
    const commands = {
      compact: ['--topic', 't', '--x'],
      dumpLog: ['a', 'b'],
      verify: ['x'],
      apiKey: ['x'],
    } as const
    await Promise.all(
      Object.entries(commands).map(async ([name, wrong]) => {
        const command_ = name as keyof typeof commands
        const helped = await command(command_, '--help')
        assert.deepEqual([helped.code, helped.stderr], [0, ''])
        assert.match(helped.stdout, /npm run [\w-]+ -- .*\n[\s\S]*Exit code: /)
        const refused = await command(command_, ...wrong)
        assert.deepEqual([refused.code, refused.stdout], [2, ''], name)
        assert.ok(refused.stderr.endsWith(helped.stdout), name)
      }),
    )
    const both = await command('compact', '--topic', 't', '--data', 'x', '--url', 'http://127.0.0.1:1')
    assert.match(both.stderr, /^Give --url, --data or a bucket on AWS, not more than one of them\.\n/)
    assert.match((await command('compact')).stderr, /^Name the topic with --topic\.\n/)
    assert.match((await command('dumpLog')).stderr, /^Name the object\.\n/)
  })

  test('a folder that is not there is refused and not made', async (t) => {
    const data = await temporaryFolder(t)
    for (const [name, ...args] of [
      ['verify'],
      ['dumpLog', 'local/log/0/0'],
      ['compact', '--topic', 't'],
    ] as const) {
      const { code, stderr } = await command(name, ...args, '--data', data)
      assert.equal(code, 1)
      assert.equal(stderr, `There is no data of a Millrace server in ${data}: name its folder with --data.\n`)
    }
    await assert.rejects(readdir(data), { code: 'ENOENT' })
  })

  test('compact on a folder says what it would do, does it, and finds nothing more to do', async (t) => {
    const data = await createFolder(t)
    const compact = (...args: readonly string[]) =>
      command('compact', '--topic', 't', '--data', data, ...args)
    const dry = await compact('--dry-run')
    assert.match(dry.stdout, /^would merge \d+ bytes in 3 extents of t-0\n$/)
    assert.deepEqual(await objectsOf(data, 'segment'), [])
    const real = await compact()
    assert.equal(real.code, 0, real.stderr)
    assert.match(real.stdout, /^\d+ bytes read\n\d+ bytes written\n2 segments written\n1 records dropped\n/)
    assert.equal(real.stderr, '')
    assert.equal((await compact('--dry-run')).stdout, 't: there is nothing to do\n')
    assert.equal((await command('verify', '--data', data)).code, 0)
    const unknown = await command('compact', '--topic', 'nope', '--data', data)
    assert.deepEqual([unknown.code, unknown.stderr], [1, `There is no topic 'nope' in ${data}.\n`])
  })

  test('compact tells what a compactor that died a moment ago still holds', async (t) => {
    const data = await createFolder(t)
    const storage = await openEmbeddedStorage(data)
    const scope = createScope('local')
    const [topic] = (await storage.table.query({ pk: scope.topicsPk, limit: 1 })).items
    const key = scope.lease(`compaction/${topic?.attributes.id}/0`)
    const attributes = { epoch: 1, owner: 'dead', until: Date.now() + 60_000 }
    await storage.table.write({ kind: 'put', key, attributes })
    await storage.close()
    const { code, stdout } = await command('compact', '--topic', 't', '--data', data)
    assert.equal(code, 1)
    assert.match(
      stdout,
      /^not done: merge \d+ bytes in 3 extents of t-0 \(a compactor that ended early .*\)$/m,
    )
  })

  test('the folder of a running server is refused by a sentence that names --url, which works', async (t) => {
    const data = await temporaryFolder(t)
    const server = await startWithTopic(data)
    t.after(() => server.stop())
    await server.produce('a', 'one', 0)
    await server.produce('a', 'two', 1)
    const refused = await command('compact', '--topic', 't', '--data', data)
    assert.equal(refused.code, 1)
    assert.match(
      refused.stderr,
      /is in use by another Millrace process: .* --url http:\/\/127\.0\.0\.1:8082\.\n$/,
    )
    const verify = await command('verify', '--data', data)
    assert.deepEqual([verify.code, verify.stdout], [1, ''])
    assert.match(verify.stderr, /in use by another Millrace process: ask that server, with --url /)
    const dry = await command('compact', '--topic', 't', '--url', server.url, '--dry-run')
    assert.match(dry.stdout, /^would merge \d+ bytes in 2 extents of t-0\n$/)
    const real = await command('compact', '--topic', 't', '--url', server.url)
    assert.equal(real.code, 0, real.stderr)
    assert.match(real.stdout, /^2 segments written\n1 records dropped$/m)
    const unknown = await command('compact', '--topic', 'nope', '--url', server.url)
    assert.deepEqual([unknown.code, unknown.stdout], [1, ''])
    assert.match(unknown.stderr, /topic 'nope'/)
  })

  test('verify and dump-log through a running server print what they print of its folder', async (t) => {
    const data = await temporaryFolder(t)
    const server = await startWithTopic(data)
    await server.produce('a', 'one', 0)
    await server.produce('b', 'two', 1)
    const [first = '', second = ''] = await objectsOf(data, 'log')
    await damage(data, second, 70)
    const printedOf = async (...place: readonly string[]) => [
      await command('verify', ...place),
      await command('dumpLog', first, '--print-data', ...place),
      await command('dumpLog', second, ...place),
    ]
    const running = await printedOf('--url', server.url)
    await server.stop()
    assert.deepEqual(running, await printedOf('--data', data))
    assert.deepEqual(
      running.map(({ code }) => code),
      [1, 0, 1],
    )
    assert.match(running[0]?.stdout ?? '', /^dangling {2}t-0: .*CRC.*$/m)
    assert.match(running[1]?.stdout ?? '', /key: a payload: one$/m)
  })

  test('a server with security on lets operators alone verify, with the key that is theirs', async (t) => {
    const data = await temporaryFolder(t)
    const { key, url } = await startSecure(t, data)
    const verify = (...more: readonly string[]) => command('verify', '--url', url, ...more)
    const [known, unknown, elsewhere] = await Promise.all([
      verify('--key', key),
      verify(),
      verify('--key', key, '--cluster', 'lkc-2'),
    ])
    assert.deepEqual([known.code, known.stderr], [0, ''])
    assert.match(known.stdout, /^cluster: local\nchecked: 0 topics, /)
    assert.deepEqual([unknown.code, unknown.stdout], [1, ''])
    assert.match(elsewhere.stderr, /lkc-2/)
  })

  test('where there are several clusters, one has to be said, of a running server and of its folder', async (t) => {
    const data = await temporaryFolder(t)
    const { key, url, makeCluster, stop } = await startSecure(t, data)
    const made = await makeCluster()
    const several = new RegExp(
      `has several clusters: say --cluster (local|${made}), --cluster (local|${made})\\.`,
    )
    const commands = [['verify'], ['dumpLog', 'x'], ['compact', '--topic', 't']] as const
    const check = async (where: readonly string[]) => {
      for (const [name, ...args] of commands) {
        const { code, stdout, stderr } = await command(name, ...args, ...where)
        assert.deepEqual([code, stdout], [2, ''], stderr)
        assert.match(stderr, several)
      }
      const said = await command('verify', ...where, '--cluster', made)
      assert.match(said.stdout, new RegExp(`^cluster: ${made}\nchecked: \\d topics`))
    }
    await check(['--url', url, '--key', key])
    await stop()
    await check(['--data', data])
  })

  test('compact tells a server that is not there, and one that is no Millrace', async (t) => {
    const closed = await command('compact', '--topic', 't', '--url', 'http://127.0.0.1:9')
    assert.deepEqual([closed.code, closed.stdout], [1, ''])
    assert.match(closed.stderr, /^No server answers at http:\/\/127\.0\.0\.1:9: .+\n$/)
    const other = await startServer({ fetch: () => new Response('hello') }, '127.0.0.1', 0)
    t.after(() => other.stop(0))
    const strange = await command('compact', '--topic', 't', '--url', other.url)
    assert.equal(strange.stderr, `${other.url} answers 200 and not as a Millrace.\n`)
  })

  test('compact stops at a partition whose data is damaged, and says where', async (t) => {
    const data = await createFolder(t)
    const [first = ''] = await objectsOf(data, 'log')
    await damage(data, first, 70)
    const { code, stdout } = await command('compact', '--topic', 't', '--data', data)
    assert.equal(code, 1)
    assert.match(stdout, /^uncleanable t-0: .*CRC.*$/m)
    assert.ok((await objectsOf(data, 'log')).includes(first))
  })

  test('dump-log prints the batch, the record and the footer of a flush', async (t) => {
    const data = await createFolder(t)
    const name = (await objectsOf(data, 'log')).at(-1) ?? ''
    const { code, stdout } = await command('dumpLog', name, '--data', data, '--print-data')
    assert.equal(code, 0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/topicId: \S+/, 'topicId: …'))
    assert.match(lines[1] ?? '', /size: \d+ magic: 2 compresscodec: none crc: \d+ isvalid: true$/)
    assert.deepEqual(
      lines.map((line) => line.replace(/ size: .*/, '')),
      [
        `Dumping ${name}`,
        'baseOffset: 0 lastOffset: 0 count: 1 baseSequence: 2 lastSequence: 2 producerId: 5 ' +
          'producerEpoch: 0 partitionLeaderEpoch: -1 isTransactional: false isControl: false ' +
          'deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1000',
        '| offset: 0 CreateTime: 1000 keySize: 1 valueSize: 5 sequence: 2 headerKeys: [h] ' +
          'headerValues: [\\u{1b}[31m] key: a payload: three',
        'footer: flush sequencers: 1',
        '| sequencer topicId: … group: 0',
      ],
    )
  })

  test('dump-log prints a segment, by its name or its id, without data unless it is asked', async (t) => {
    const data = await createFolder(t)
    await command('compact', '--topic', 't', '--data', data)
    const names = await objectsOf(data, 'segment')
    const dumps = []
    for (const one of names) dumps.push(await command('dumpLog', one, '--data', data))
    assert.deepEqual(
      dumps.map(({ code }) => code),
      [0, 0],
      'the segment that was merged, and the one that was compacted by key',
    )
    const cleaned = dumps.findIndex((dump) => dump.stdout.includes(' recordCount: 2 '))
    const name = names[cleaned] ?? ''
    const stdout = dumps[cleaned]?.stdout ?? ''
    const id = name.replaceAll('/', '').slice('localsegment'.length)
    assert.equal((await command('dumpLog', id, '--data', data)).stdout, stdout)
    assert.doesNotMatch(stdout, /payload|two/)
    const bases = [...stdout.matchAll(/^baseOffset: (\d+) lastOffset: (\d+) count: (\d+)/gm)].map((m) =>
      m.slice(1),
    )
    assert.deepEqual(bases, [
      ['1', '1', '1'],
      ['2', '2', '1'],
    ])
    assert.match(
      stdout,
      /^footer: segment topicId: \S+ partition: 0 baseOffset: 0 endOffset: 3 recordCount: 2 /m,
    )
    assert.match(stdout, /^\| chunk baseOffset: 0 lastOffset: 2 position: 0 size: \d+ maxTimestamp: 1000$/m)
  })

  test('dump-log and verify tell damage with its place and code 1', async (t) => {
    const data = await createFolder(t)
    const [first = '', second = ''] = await objectsOf(data, 'log')
    await damage(data, first, 70)
    const crc = await command('dumpLog', first, '--data', data)
    assert.equal(crc.code, 1)
    assert.match(crc.stdout, /isvalid: false\nfooter: flush sequencers: 1\n/)
    await damage(data, second, 16)
    const magic = await command('dumpLog', second, '--data', data)
    assert.equal(magic.code, 1)
    assert.match(magic.stdout, /^position: 0 the batch is damaged: magic at byte 16 is 3/m)
    const verified = await command('verify', '--data', data)
    assert.equal(verified.code, 1)
    const dangling = verified.stdout.split('\n').filter((line) => line.startsWith('dangling'))
    assert.equal(dangling.length, 2)
    assert.ok(dangling[0]?.startsWith(`dangling  t-0: object ${first}, position 0, offset 0: `), dangling[0])
    assert.match(verified.stdout, /\nfound: 2 dangling, 0 overlap, 0 hole, 0 orphan\n$/)
    const absent = await command('dumpLog', `local/log/0000000/${'0'.repeat(25)}`, '--data', data)
    assert.deepEqual([absent.code, absent.stdout], [1, ''])
    assert.match(
      (await command('dumpLog', 'what', '--data', data)).stderr,
      /^what is not the name of an object: it is like /,
    )
  })

  test('verify passes what is whole, and orphans are no failure', async (t) => {
    const data = await createFolder(t)
    const whole = await command('verify', '--data', data)
    assert.deepEqual([whole.code, whole.stderr], [0, ''])
    assert.match(
      whole.stdout,
      /^cluster: local\nchecked: 1 topics, 1 partitions, 0 segments, 3 extents of flushes, \d+ bytes\n/,
    )
    const [first = ''] = await objectsOf(data, 'log')
    const orphan = `${first.slice(0, -1)}${first.endsWith('0') ? 1 : 0}`
    await writeFile(join(stored(data), `${orphan}@`), 'lost')
    const found = await command('verify', '--data', data)
    assert.equal(found.code, 0)
    assert.match(
      found.stdout,
      /^orphan {4}object local\/log\/\S+: nothing names its 4 bytes; younger than the grace/,
    )
  })
})
