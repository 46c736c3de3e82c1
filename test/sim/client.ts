// A client's side of a call: it reaches a process over a network, and gives up where the process crashes or takes too
// long, without knowing what became of it.

import { KafkaError } from '../../shared/base/errors.ts'
import type { Outcome, Span } from './history.ts'
import { type SimProcess, stackOf } from './process.ts'
import type { World } from './world.ts'

export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly error: KafkaError }
  | { readonly kind: 'lost'; readonly why: 'crashed' | 'timed out' }

export interface Caller {
  readonly world: World
  /** After this long a client gives a call up. */
  timeoutMs(): number
  readonly report: (violation: string) => void
  /** Calls that nobody has answered or given up yet. */
  readonly outstanding: Set<string>
}

/** `span` gets the end that the client saw; of an answer that never came, none. */
export async function ask<T>(
  { world, timeoutMs, report, outstanding }: Caller,
  process: SimProcess,
  what: string,
  span: Span,
  work: () => Promise<T>,
): Promise<Answer<T>> {
  const { promise, resolve } = Promise.withResolvers<Answer<T>>()
  const name = `${span.invoked} ${what} at ${process.name}`
  outstanding.add(name)
  world.trace(`client ${name}`)
  const deliver = () => {
    work().then(
      (value) => resolve({ kind: 'ok', value }),
      (error: unknown) => {
        if (error instanceof KafkaError) return resolve({ kind: 'refused', error })
        report(`${what} ended in no KafkaError: ${stackOf(error)}`)
      },
    )
  }
  const undeliver = world.later(world.random.float(), deliver, process)
  const forgetCrash = process.onCrash(() => resolve({ kind: 'lost', why: 'crashed' }))
  const forgetTimer = world.later(timeoutMs(), () => resolve({ kind: 'lost', why: 'timed out' }))
  const answer = await promise
  forgetCrash()
  forgetTimer()
  if (answer.kind === 'lost') undeliver()
  else span.ended = world.order()
  outstanding.delete(name)
  world.trace(`client ${name} <- ${describe(answer)}`)
  return answer
}

function describe(answer: Answer<unknown>): string {
  if (answer.kind === 'ok') return 'ok'
  return answer.kind === 'lost' ? answer.why : `${answer.error.code} ${answer.error.message}`
}

export function outcomeOf(answer: Answer<unknown>): Outcome {
  if (answer.kind === 'ok') return 'ok'
  if (answer.kind === 'lost') return 'unknown'
  return answer.error.row.effect
}
