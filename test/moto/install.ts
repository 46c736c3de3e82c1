// moto, an emulator of AWS in Python, from PyPI into a folder of the user's cache. As a program it says whether it can
// be had on this machine.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const packages = ['moto[dynamodb]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5']

/** The folder for PYTHONPATH. */
export const installMoto = async (): Promise<string> => {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace-moto')
  const folder = join(cache, '5.2.5')
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const installing = await mkdtemp(join(cache, 'installing-'))
  try {
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', installing]
    await promisify(execFile)('python3', [...install, ...packages])
    await rename(installing, folder)
  } finally {
    await rm(installing, { recursive: true, force: true })
  }
  return folder
}

if (import.meta.main) await installMoto()
