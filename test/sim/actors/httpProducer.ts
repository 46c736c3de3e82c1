// A producer that speaks Confluent REST v3 to the HTTP app: keyed JSON records over all partitions of a topic, one
// request with a delivery report each.

import { ask } from '../client.ts'
import type { RecordOutcome, SentRecord } from '../history.ts'
import type { SimProcess } from '../process.ts'
import { type Actor, createRoute, pause, type Sim } from '../sim.ts'
import { draftRecords } from './records.ts'
import { beginProduce, countOutcomes } from './send.ts'

export interface HttpProducerSettings {
  readonly topicName: string
  readonly pauseMsMax: number
  readonly recordsMax: number
}

export function createHttpProducer({ topicName, pauseMsMax, recordsMax }: HttpProducerSettings): Actor {
  return {
    name: `JSON records over HTTP to ${topicName}`,
    async run(sim) {
      const { random } = sim.world
      const route = createRoute(sim)
      while (!sim.isEnding()) {
        const drafts = draftRecords(sim, topicName, random.between(1, recordsMax), {
          keyed: true,
          largeBytes: 100,
        })
        await post(sim, route(), topicName, drafts)
        await pause(sim, pauseMsMax)
      }
    },
  }
}

async function post(
  sim: Sim,
  process: SimProcess,
  topicName: string,
  drafts: readonly SentRecord[],
): Promise<void> {
  const op = beginProduce(sim, { topicName, drafts })
  const what = `POST ${topicName} ${drafts[0]?.id}+${drafts.length}`
  const answer = await ask(sim, process, what, op, async () => {
    const body = drafts.map(toJson).join('\n')
    const response = await process.app().request(`/v3/clusters/sim/topics/${topicName}/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) },
      body,
    })
    return { status: response.status, text: await response.text() }
  })
  if (answer.kind === 'ok') op.outcomes = outcomesOf(answer.value, drafts.length)
  countOutcomes(sim, op.outcomes)
}

const toJson = ({ id, key, value, timestamp }: SentRecord): string =>
  JSON.stringify({
    key: { type: 'STRING', data: key },
    ...(value === null
      ? { headers: [{ name: 'id', value: Buffer.from(`${id} `).toString('base64') }] }
      : { value: { type: 'STRING', data: value } }),
    timestamp: new Date(timestamp).toISOString(),
  })

/** Code 50003 stands for "not stored" and for "may be stored": a client must take it for the latter. */
function outcomesOf(
  { status, text }: { status: number; text: string },
  count: number,
): readonly RecordOutcome[] {
  const reports = text.split('\n').filter((line) => line !== '')
  const outcomes = reports.map((report) => outcomeOf(JSON.parse(report)))
  if (status === 200 && outcomes.length === count) return outcomes
  const [refusal = { kind: 'unknown', why: text } as const] = outcomes
  return Array.from({ length: count }, () => refusal)
}

function outcomeOf(report: Readonly<Record<string, unknown>>): RecordOutcome {
  const { error_code: code, partition_id: partition, offset } = report
  if (code === 200 && typeof partition === 'number' && typeof offset === 'number') {
    return { kind: 'ok', partition, offset, duplicate: false }
  }
  const none = typeof code === 'number' && String(code).startsWith('4')
  return none ? { kind: 'none', code: String(code) } : { kind: 'unknown', why: 'REQUEST_TIMED_OUT' }
}
