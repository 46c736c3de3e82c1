// Ceph's programs from Debian's packages, without root and without installing them: downloaded by apt and unpacked into
// a folder of the user's cache, where the next run finds them.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const packages = ['radosgw', 'ceph-mon', 'ceph-osd']
/** What the daemons link to and load; not the tools that the packages recommend for a machine that serves others. */
const needed = /^(ceph|lib|radosgw)/

/** The folder whose `usr/` holds Ceph: unpacked, or `/` where it is installed. */
export const cephRoot = async (): Promise<string> => {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace-radosgw')
  await mkdir(cache, { recursive: true })
  const { names, options } = await missingPackages(cache)
  if (names.length === 0) return '/'
  const root = join(cache, createHash('sha256').update(names.join(' ')).digest('hex').slice(0, 16))
  if (!existsSync(root)) await unpack(cache, root, names, options)
  return root
}

interface Missing {
  /** As "name=version". */
  readonly names: readonly string[]
  /** With which apt knows them. */
  readonly options: readonly string[]
}

/** By the system's lists of packages or, where it has none, by lists of our own, which take no rights. */
const missingPackages = async (cache: string): Promise<Missing> => {
  try {
    return { names: await planInstall([]), options: [] }
  } catch {
    const lists = join(cache, 'lists')
    await mkdir(join(lists, 'partial'), { recursive: true })
    const options = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`]
    await apt(['update', ...options])
    return { names: await planInstall(options), options }
  }
}

const planInstall = async (options: readonly string[]): Promise<string[]> => {
  const plan = ['install', '--print-uris', '-y', '--no-install-recommends', '-o', 'Debug::NoLocking=1']
  const { stdout } = await apt([...plan, ...options, ...packages])
  // 'http://…/name_version_arch.deb' name_version_arch.deb size hash
  return [...stdout.matchAll(/^'\S+' ([^_\s]+)_([^_\s]+)_\S+\.deb /gm)]
    .map(([, name = '', version = '']) => `${name}=${decodeURIComponent(version)}`)
    .filter((name) => needed.test(name))
}

/** Under another name until it is whole. */
const unpack = async (
  cache: string,
  root: string,
  names: readonly string[],
  options: readonly string[],
): Promise<void> => {
  const folder = await mkdtemp(join(cache, 'unpacking-'))
  try {
    await apt(['download', ...options, ...names], folder)
    const archives = (await readdir(folder)).filter((name) => name.endsWith('.deb'))
    for (const archive of archives) await run('dpkg', ['-x', join(folder, archive), join(folder, 'root')])
    await rename(join(folder, 'root'), root)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const apt = async (parameters: readonly string[], cwd?: string): Promise<{ readonly stdout: string }> => {
  try {
    return await run('apt-get', [...parameters], { maxBuffer: 16 * 1024 * 1024, ...(cwd && { cwd }) })
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new Error(`radosgw is taken from Debian's packages, and apt-get failed: ${cause}`)
  }
}
