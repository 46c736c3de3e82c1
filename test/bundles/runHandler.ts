// One invocation of an event function's bundle, in a process of its own that loads it as Lambda does: for what needs no
// more of Lambda than that.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const script = `
  const [file, event] = process.argv.slice(-2)
  const { handler } = await import(file)
  const context = { getRemainingTimeInMillis: () => 900_000 }
  process.stderr.write(JSON.stringify((await handler(JSON.parse(event), context)) ?? null))`

export async function runHandler(
  file: string,
  event: unknown,
  environment: Readonly<Record<string, string>>,
): Promise<unknown> {
  const args = ['--input-type=module', '-e', script, file, JSON.stringify(event)]
  const { stderr } = await promisify(execFile)(process.execPath, args, { env: { ...environment } })
  return JSON.parse(stderr)
}
