// `npm start`: the service on one machine.

import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { type Environment, type LocalConfig, localConfigHelp, parseLocalConfig } from './config.ts'
import { openLocalServices } from './local.ts'
import { logFailure } from './logger.ts'
import { startServer, type Tls } from './server.ts'
import { packageVersion } from './version.ts'

const graceMs = 10_000

const help = `Millrace ${packageVersion}: Kafka's log over HTTP, on one machine.

  npm start              serve until interrupted (Ctrl-C): requests under way are answered, nothing acknowledged is lost
  npm start -- --secure  serve only holders of API keys; the first start prints the first key
  npm start -- --help    this text

${localConfigHelp()}
`

async function main(environment: Environment): Promise<void> {
  const config = parseLocalConfig(environment)
  const tls = config.tls && (await readTls(config.tls))
  const services = await openLocalServices(config)
  const server = await startServer(services.app, config.host, config.port, tls).catch(
    async (error: unknown) => {
      await services.close()
      throw error
    },
  )
  process.stdout.write(
    `Millrace ${packageVersion} on ${server.url}  (data in ${config.dataDirectory}, docs at ${server.url}/docs)\n`,
  )
  // Not before: a key that a start made which then failed would be good, and nobody would know its secret.
  const firstKey = await services.makeFirstKey()
  if (firstKey) process.stdout.write(firstKeyText(server.url, firstKey))
  let stopping = false
  void services.storageEnded.then((how) => {
    if (stopping) return
    // Whatever is acknowledged is stored: as good as a crash, and a new start serves again.
    logFailure('the storage ended, and with it the server', how)
    process.exit(1)
  })
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

async function readTls({ certificate, key }: NonNullable<LocalConfig['tls']>): Promise<Tls> {
  try {
    const tls = { cert: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') }
    createSecureContext(tls)
    return tls
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`TLS_CERT_FILE and TLS_KEY_FILE cannot be used: ${reason}`, { cause })
  }
}

const firstKeyText = (
  url: string,
  { id, secret }: { readonly id: string; readonly secret: string },
): string => `
The first API key, an operator's. Its secret is shown this once:

  id      ${id}
  secret  ${secret}

  curl -u ${id}:${secret} ${url}/v3/clusters

`

const given = process.argv.slice(2)
const unknownArgument = given.find((argument) => !['--help', '-h', '--secure'].includes(argument))
if (unknownArgument !== undefined) {
  process.stderr.write(`Unknown argument ${unknownArgument}.\n\n${help}`)
  process.exitCode = 2
} else if (given.includes('--help') || given.includes('-h')) {
  process.stdout.write(help)
} else {
  const environment = given.includes('--secure') ? { ...process.env, SECURE: 'true' } : process.env
  await main(environment).catch((error: unknown) => {
    process.stderr.write(`Millrace cannot start: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
