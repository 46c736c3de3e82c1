// `npm start`: the service on one machine.

import { localConfigHelp, parseLocalConfig } from './config.ts'
import { openLocalServices } from './local.ts'
import { logFailure } from './logger.ts'
import { startServer } from './server.ts'
import { packageVersion } from './version.ts'

const graceMs = 10_000

const help = `Millrace ${packageVersion}: Kafka's log over HTTP, on one machine.

  npm start            serve until interrupted (Ctrl-C): requests under way are answered, nothing acknowledged is lost
  npm start -- --help  this text

${localConfigHelp()}
`

async function main(): Promise<void> {
  const config = parseLocalConfig(process.env)
  const services = await openLocalServices(config)
  const server = await startServer(services.app, config.host, config.port).catch(async (error: unknown) => {
    await services.close()
    throw error
  })
  process.stdout.write(
    `Millrace ${packageVersion} on ${server.url}  (data in ${config.dataDirectory}, docs at ${server.url}/docs)\n`,
  )
  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1)
    stopping = true
    await server.stop(graceMs)
    await services.close()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stop().catch((error: unknown) => {
        logFailure('stopping failed', error)
        process.exit(1)
      })
    })
  }
}

const unknownArgument = process.argv.slice(2).find((argument) => argument !== '--help' && argument !== '-h')
if (unknownArgument !== undefined) {
  process.stderr.write(`Unknown argument ${unknownArgument}.\n\n${help}`)
  process.exitCode = 2
} else if (process.argv.length > 2) {
  process.stdout.write(help)
} else {
  await main().catch((error: unknown) => {
    process.stderr.write(`Millrace cannot start: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
