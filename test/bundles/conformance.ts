// The HTTP conformance suite, run against an address in a process of its own.
import { execFile } from 'node:child_process'
import { authorization, originSecret } from './awsWorld.ts'

const suite = 'test/conformance/*.test.ts'

/** What the test runner printed, and how it ended. */
export const runConformance = (url: string): Promise<{ readonly code: unknown; readonly output: string }> =>
  new Promise((resolve) => {
    const environment = {
      PATH: process.env.PATH ?? '',
      MILLRACE_URL: url,
      MILLRACE_HEADERS: JSON.stringify({ authorization, 'x-millrace-origin': originSecret }),
    }
    // One file after the other: they share the deployment's topics.
    const args = ['--test', '--test-concurrency=1', suite]
    const cwd = new URL('../..', import.meta.url)
    execFile(process.execPath, args, { cwd, env: environment }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, output: stdout + stderr })
    })
  })
