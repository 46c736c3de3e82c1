// The way from a group's client to the HTTP app of some process: requests are lost, come late, come twice, to another
// process. Answers are what the client got, or nothing.

import { ask } from '../client.ts'
import type { Span } from '../history.ts'
import type { SimProcess } from '../process.ts'
import { stackOf } from '../process.ts'
import type { Sim } from '../sim.ts'

export interface Network {
  /** Delivered when the client has given it up. */
  readonly late: number
  /** Delivered, and delivered again. */
  readonly twice: number
  readonly lateMsMax: number
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly type?: string
  readonly accept?: string
}

interface OffsetBody {
  readonly topic_name: string
  readonly partition_id: number
  readonly offset: number
  readonly after: number
  readonly error_code: number | null
}

/** Whatever fields an answer has. */
export interface Body {
  readonly error_code?: number
  readonly message?: string
  readonly state?: string
  readonly member_id?: string
  readonly member_epoch?: number
  readonly assignment_token?: string | null
  readonly assignment?: {
    readonly topic_partitions: readonly {
      readonly topic_name: string
      readonly partitions: readonly number[]
    }[]
  } | null
  readonly offsets?: readonly OffsetBody[]
  readonly partitions?: readonly { readonly topic: string; readonly partition: number }[]
}

export interface Reply<T> {
  readonly status: number
  readonly body: T
}

/** `isLate`: it may be carried out after its end. */
export interface Exchange<T> {
  readonly reply: Reply<T> | undefined
  readonly isLate: boolean
}

export async function exchange<T = Body>(
  sim: Sim,
  network: Network,
  span: Span,
  request: Request,
): Promise<Exchange<T>> {
  const { world, fleet } = sim
  const what = `${request.method} ${request.path} ${JSON.stringify(request.body ?? '')}`
  const isLate = !sim.isEnding() && world.random.chance(network.late)
  if (isLate) {
    deliverLater(sim, network, what, request)
    await world.sleep(sim.timeoutMs())
    return { reply: undefined, isLate }
  }
  const isTwice = !sim.isEnding() && world.random.chance(network.twice)
  if (isTwice) deliverLater(sim, network, what, request)
  const process = fleet.any()
  const answer = await ask(sim, process, what, span, () => send<T>(process, request))
  if (answer.kind === 'refused') throw answer.error
  const reply = answer.kind === 'ok' ? answer.value : undefined
  if (reply) world.trace(`  ${reply.status} ${JSON.stringify(reply.body)}`)
  return { reply, isLate: isTwice }
}

function deliverLater(sim: Sim, { lateMsMax }: Network, what: string, request: Request): void {
  const { world, fleet, counters, report } = sim
  world.later(world.random.float() * lateMsMax, () => {
    if (sim.isEnding()) return
    const process = fleet.any()
    world.trace(`late to ${process.name} ${what}`)
    counters.count('lateRequest')
    const deliver = () =>
      void send<Body>(process, request).then(
        ({ status, body }) => world.trace(`late at ${process.name} ${status} ${JSON.stringify(body)}`),
        (error: unknown) => report(`${what} failed: ${stackOf(error)}`),
      )
    world.later(0, deliver, process)
  })
}

async function send<T>(process: SimProcess, request: Request): Promise<Reply<T>> {
  const { method, path, body, type = 'application/json', accept } = request
  const text = body && JSON.stringify(body)
  const response = await process.app().request(path, {
    method,
    headers: {
      ...(text === undefined
        ? {}
        : { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }),
      ...(accept === undefined ? {} : { accept }),
    },
    ...(text === undefined ? {} : { body: text }),
  })
  const answer = await response.text()
  return { status: response.status, body: answer === '' ? {} : JSON.parse(answer) }
}
