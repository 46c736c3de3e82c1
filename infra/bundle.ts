// One function's code as one file, by esbuild: what is deployed is what the tests start. The SDK clients that the code
// uses are in it, so that neither Lambda's own copy nor its version matters; nothing else of node_modules is.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

/** Below `functions/`. `classic` is the same app as a handler of events. */
export const functionEntries = {
  produce: 'produce/index.ts',
  'produce/classic': 'produce/classic.ts',
  fetch: 'fetch/index.ts',
  'fetch/classic': 'fetch/classic.ts',
  compactor: 'compactor/index.ts',
} as const

export type FunctionEntry = keyof typeof functionEntries

export const bundleFile = 'index.mjs'

export interface Bundle {
  /** The code's folder: it holds `index.mjs` and nothing else. */
  readonly directory: string
  readonly file: string
  /** Beside the folder, so that it is not deployed. */
  readonly sourceMap: string
  readonly sizeBytes: number
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Writes `<outDir>/<entry>/index.mjs` anew, with '-' for '/'. The same sources give the same bytes. */
export function bundle(entry: FunctionEntry, outDir: string = join(root, 'dist/functions')): Bundle {
  const directory = join(outDir, entry.replace('/', '-'))
  const file = join(directory, bundleFile)
  const sourceMap = `${directory}.mjs.map`
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: [join('functions', functionEntries[entry])],
    outfile: file,
    write: false,
    bundle: true,
    minify: true,
    sourcemap: 'external',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    // CommonJS within the bundle asks for Node's modules by `require`, which ESM has not. The name is longer than any
    // that minifying makes: those are not chosen around a banner.
    banner: {
      js: "import{createRequire as bannerRequire}from'node:module';const require=bannerRequire(import.meta.url);",
    },
    logLevel: 'silent',
  })
  const textOf = (suffix: string) => {
    const found = outputFiles.find(({ path }) => path.endsWith(suffix))
    if (found === undefined) throw new Error(`the bundle of ${entry} has no ${suffix}`)
    return found.contents
  }
  mkdirSync(directory, { recursive: true })
  const code = textOf('.mjs')
  replace(file, code, directory)
  replace(sourceMap, textOf('.map'), directory)
  return { directory, file, sourceMap, sizeBytes: code.length }
}

/** In one step, so that whoever reads the file meanwhile finds all of it. */
function replace(file: string, bytes: Uint8Array, besides: string): void {
  const written = `${besides}.${process.pid}.tmp`
  writeFileSync(written, bytes)
  renameSync(written, file)
}
