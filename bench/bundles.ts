// `npm run bench:bundles`: how large each function's bundle is and how long a fresh process takes to start with it,
// from the process's start until it could take its first request. S3 and DynamoDB are emulators on this machine, so
// the network's share of a cold start is not in it.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { FunctionEntry } from '../infra/bundle.ts'
import { startAwsWorld } from '../test/bundles/awsWorld.ts'

const startsEach = 15
/** What Lambda's runtime provides to event functions. */
const runtimeGlobal = 'globalThis.awslambda={streamifyResponse:(handler)=>handler}'
const functionNames: readonly FunctionEntry[] = [
  'produce',
  'produce/classic',
  'fetch',
  'fetch/classic',
  'compactor',
]
const script = `
  await import(process.argv.at(-1))
  process.stderr.write(String(performance.now()))
  process.exit()`

const world = await startAwsWorld(false)
const columns = [16, 8, 10, 18, 10]
const print = (cells: readonly string[]) =>
  console.log(
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(columns[i] ?? 0) : cell.padStart(columns[i] ?? 0)))
      .join(''),
  )
print(['bundle', 'kB', 'kB gzip', 'start ms, median', 'fastest'])
for (const entry of functionNames) {
  const file = world.build(entry)
  const environment = {
    ...world.environment(entry),
    AWS_LAMBDA_FUNCTION_NAME: 'bench',
    AWS_LAMBDA_FUNCTION_VERSION: '1',
    AWS_LAMBDA_HTTP_ENDPOINT: '127.0.0.1:0',
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(runtimeGlobal)}`,
  }
  const times: number[] = []
  for (let i = 0; i < startsEach; i++) {
    const args = ['--input-type=module', '-e', script, file]
    const { stderr } = await promisify(execFile)(process.execPath, args, { env: environment })
    times.push(Number(stderr))
  }
  times.sort((one, other) => one - other)
  const code = readFileSync(file)
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(0)
  const ms = (index: number) => (times[index] ?? 0).toFixed(0)
  print([entry, kilobytes(code.length), kilobytes(gzipSync(code).length), ms(startsEach >> 1), ms(0)])
}
await world.close()
