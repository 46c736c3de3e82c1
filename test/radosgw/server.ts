// Ceph's object gateway on 127.0.0.1: one monitor, one storage daemon on a sparse file and radosgw, in a folder that
// goes with them. Nothing is replicated and only S3's signatures are checked.
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cephRoot } from './packages.ts'

export interface Radosgw {
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** As it calls itself. */
  readonly version: string
  close(): Promise<void>
}

const credentials = { accessKeyId: 'millrace', secretAccessKey: 'millrace-secret' }
const startMsMax = 120_000

export const startRadosgw = async (): Promise<Radosgw> => {
  const root = await cephRoot()
  const folder = await mkdtemp(join(tmpdir(), 'radosgw-'))
  const daemons: ChildProcess[] = []
  const close = async (): Promise<void> => {
    for (const daemon of daemons.toReversed()) await stop(daemon)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [port, monitorPort] = [await freePort(), await freePort()]
    const tools = createTools(root, join(folder, 'ceph.conf'))
    const cluster = { id: randomUUID(), monitor: `v1:127.0.0.1:${monitorPort}`, port }
    await writeSettings(root, folder, cluster)
    await makeMonitor(folder, cluster, tools)
    daemons.push(tools.daemon('ceph-mon', '-i', 'a'))
    await tools.run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', randomUUID())
    // It enters itself in the monitor's map and is refused unless it names the cluster: with settings from the monitor
    // it may do so before it knows the name, with those of the file it does not.
    daemons.push(tools.daemon('ceph-osd', '-i', '0', '--no-mon-config'))
    await createUser(tools)
    daemons.push(tools.daemon('radosgw', '-n', 'client.rgw'))
    const endpoint = `http://127.0.0.1:${port}`
    await answering(endpoint)
    return { endpoint, credentials, version: (await tools.run('radosgw', '--version')).trim(), close }
  } catch (cause) {
    const words = await lastWords(folder)
    await close()
    throw new Error(`radosgw did not start:\n${words}`, { cause })
  }
}

/** The daemons', from their logs. */
const lastWords = async (folder: string): Promise<string> => {
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.log'))
  const texts = await Promise.all(logs.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.flatMap((text) => text.trimEnd().split('\n').slice(-3)).join('\n')
}

interface Tools {
  run(program: string, ...parameters: string[]): Promise<string>
  daemon(program: string, ...parameters: string[]): ChildProcess
}

const createTools = (root: string, settings: string): Tools => {
  const libraries = ['usr/lib', 'lib'].flatMap((folder) => {
    const own = join(root, folder, triplet)
    return [own, join(own, 'ceph')]
  })
  const env = {
    PATH: `${join(root, 'usr/bin')}:${process.env.PATH}`,
    LD_LIBRARY_PATH: libraries.join(':'),
    CEPH_CONF: settings,
  }
  return {
    run: async (program, ...parameters) =>
      (await promisify(execFile)(program, parameters, { env, timeout: startMsMax })).stdout,
    // However this process ends, its daemons end with it.
    daemon: (program, ...parameters) =>
      spawn('setpriv', ['--pdeathsig', 'KILL', program, '-f', ...parameters], { env, stdio: 'ignore' }),
  }
}

const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'

interface Cluster {
  readonly id: string
  readonly monitor: string
  readonly port: number
}

const writeSettings = async (root: string, folder: string, cluster: Cluster): Promise<void> => {
  for (const name of ['mon', 'osd', 'run']) await mkdir(join(folder, name))
  const libraries = join(root, 'usr/lib', triplet)
  const settings = `[global]
fsid = ${cluster.id}
mon host = ${cluster.monitor}
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
erasure code dir = ${libraries}/ceph/erasure-code
osd class dir = ${libraries}/rados-classes
mon data = ${folder}/mon
osd data = ${folder}/osd
run dir = ${folder}/run
admin socket = ${folder}/run/$name.sock
pid file = ${folder}/run/$name.pid
log file = ${folder}/$name.log
osd objectstore = bluestore
bluestore block size = 6G
osd memory target = 939524096
[client]
rgw data = ${folder}/run
rgw frontends = beast endpoint=127.0.0.1:${cluster.port} tcp_nodelay=1
`
  await writeFile(join(folder, 'ceph.conf'), settings)
}

const makeMonitor = async (folder: string, { id, monitor }: Cluster, tools: Tools): Promise<void> => {
  const map = join(folder, 'monmap')
  await tools.run('monmaptool', '--create', '--fsid', id, '--addv', 'a', `[${monitor}]`, map)
  await tools.run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map)
}

/** Waits for monitor and storage daemon: it is the first to store something. */
const createUser = async (tools: Tools): Promise<void> => {
  const keys = ['--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey]
  await tools.run(
    'radosgw-admin',
    'user',
    'create',
    '--uid',
    'millrace',
    '--display-name',
    'millrace',
    ...keys,
  )
}

const answering = async (endpoint: string): Promise<void> => {
  const giveUpAt = Date.now() + startMsMax
  for (;;) {
    const answer = await fetch(endpoint).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.ok) return
    assert.ok(Date.now() < giveUpAt, 'radosgw did not answer')
    await sleep(100)
  }
}

const stop = async (daemon: ChildProcess): Promise<void> => {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return
  const ended = new Promise((resolve) => daemon.once('exit', resolve))
  daemon.kill('SIGKILL')
  await ended
}

const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}
