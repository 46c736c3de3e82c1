// The files of Swagger UI that /docs serves: a fixed list, read from the installed package when the process
// starts. Nothing else of the package, or of the disk, can be asked for.

import { readFile } from 'node:fs/promises'
import type { DocsAsset } from '../http/context.ts'

const types = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
} as const

export async function loadDocsAssets(): Promise<ReadonlyMap<string, DocsAsset>> {
  const entries = Object.entries(types).map(async ([name, type]): Promise<[string, DocsAsset]> => {
    const bytes = await readFile(new URL(name, import.meta.resolve('swagger-ui-dist/package.json')))
    return [name, { type, bytes: Uint8Array.from(bytes) }]
  })
  return new Map(await Promise.all(entries))
}
