// The app as a classic function behind a function URL, which streams its answers: one request at a time, frozen between
// two of them. The only place that knows Hono's adapter for it.

import type { StreamifyHandler } from 'aws-lambda'
import { Hono } from 'hono'
import { streamHandle } from 'hono/aws-lambda'
import { type AwsApp, openAwsApp } from './awsApp.ts'
import { parseAppConfig } from './awsConfig.ts'
import type { HttpFunctionName } from './computeLimits.ts'
import { refuseToStart } from './startUp.ts'

export async function openClassicFunction(name: HttpFunctionName): Promise<StreamifyHandler> {
  try {
    return handlerOf(await openAwsApp(parseAppConfig(process.env), name, 'classic'))
  } catch (error) {
    return refuseToStart(error)
  }
}

function handlerOf(app: AwsApp): StreamifyHandler {
  const answer = streamHandle(asHono(app))
  return awslambda.streamifyResponse((event, stream, context) =>
    app.connections.invocation(async () => {
      // Typed as what answers by a callback, whose place the stream and the context take.
      await Reflect.apply(answer, undefined, [event, stream, context])
      // The client has its answer. What goes on behind it, such as a spill, must not be frozen half done.
      await app.idle()
      app.flushMetrics()
    }),
  )
}

const asHono = (app: AwsApp): Hono => new Hono().all('*', async (c) => begun(await app.fetch(c.req.raw)))

/** Status and headers go out with the first bytes of a body, so a body that has none must not look as if it had. */
async function begun(response: Response): Promise<Response> {
  const reader = response.body?.getReader()
  if (reader === undefined) return response
  const first = await reader.read()
  if (first.done) return new Response(null, response)
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(first.value),
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
  return new Response(body, response)
}
