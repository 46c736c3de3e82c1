// The secret of a local server under which API keys are hashed: a file beside the table, readable by its owner alone.

import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pepperBytes } from '../security/apiKey.ts'

/** Made where there is none; the data folder is locked, so that nobody else makes it meanwhile. */
export async function loadPepper(dataFolder: string): Promise<KeyObject> {
  const path = join(dataFolder, 'pepper')
  const made = await writeFile(path, randomBytes(pepperBytes), { flag: 'wx', mode: 0o600, flush: true }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
      throw error
    },
  )
  const pepper = await readFile(path)
  if (pepper.length === pepperBytes) return createSecretKey(pepper)
  throw new Error(
    `${path} has ${pepper.length} bytes${made ? '' : ', as it was found'}: a pepper has ${pepperBytes}.`,
  )
}
