// Requests as the front door sends them on.
import { encodeBatch } from '../../shared/kafka/recordBatch.ts'
import { authorization, clusterId, originSecret } from './awsWorld.ts'

export const origin = {
  authorization,
  'x-millrace-origin': originSecret,
  'x-forwarded-host': 'log.example.com',
}
const json = { ...origin, 'content-type': 'application/json' }
const batches = { ...origin, 'content-type': 'application/vnd.millrace.recordbatch' }

export const topicsPath = `/v3/clusters/${clusterId}/topics`

export const createTopic = (url: string, name: string, configs: object[] = []): Promise<Response> =>
  fetch(url + topicsPath, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ topic_name: name, configs }),
  })

export const produce = (url: string, topic: string, value: string, headers = {}): Promise<Response> =>
  fetch(`${url}${topicsPath}/${topic}/records`, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: JSON.stringify({ value: { type: 'STRING', data: value } }),
  })

/** So many batches of a record of a million bytes each. */
export const produceMillions = (url: string, topic: string, count: number): Promise<Response> => {
  const record = { timestamp: 1, key: null, value: new Uint8Array(1_000_000), headers: [] }
  const batch = encodeBatch({ codec: 'none', records: [record] })
  return fetch(`${url}${topicsPath}/${topic}/partitions/0/records`, {
    method: 'POST',
    headers: batches,
    body: Uint8Array.from(Buffer.concat(Array.from({ length: count }, () => batch))),
  })
}

export const read = (url: string, topic: string, query = 'offset=0', headers = {}): Promise<Response> =>
  fetch(`${url}${topicsPath}/${topic}/partitions/0/records?${query}`, { headers: { ...origin, ...headers } })

export const values = async (answer: Response): Promise<unknown[]> => {
  const { records }: { records: { value: unknown }[] } = JSON.parse(await answer.text())
  return records.map(({ value }) => value)
}
