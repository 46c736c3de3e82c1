// A Lambda Web Function: an HTTP server on the address that Lambda names, for many requests at once. It ends by SIGTERM
// with a second's notice: what was asked for is stored and answered within it, and what cannot be was not acknowledged.

import { type AwsApp, openAwsApp } from './awsApp.ts'
import { parseWebConfig } from './awsConfig.ts'
import type { HttpFunctionName } from './computeLimits.ts'
import { type RunningServer, startServer } from './server.ts'
import { refuseToStart } from './startUp.ts'

/** Of the second that Lambda leaves. */
const graceMs = 800
const metricsIntervalMs = 10_000

export async function startWebFunction(name: HttpFunctionName): Promise<void> {
  try {
    const config = parseWebConfig(process.env)
    const app = await openAwsApp(config, name, 'web')
    const server = await startServer(app, config.host, config.port)
    setInterval(() => app.flushMetrics(), metricsIntervalMs).unref()
    process.once('SIGTERM', () => void stop(app, server))
  } catch (error) {
    refuseToStart(error)
  }
}

async function stop(app: AwsApp, server: RunningServer): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, graceMs))
  await Promise.race([late, Promise.all([server.stop(graceMs), app.close()])])
  app.flushMetrics()
  process.exit(0)
}
