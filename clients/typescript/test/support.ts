// A service in memory and clients of it, in virtual time: what takes minutes costs a test nothing. What a client's
// requests meet on the way is the test's to say.
import { createTestApp, memoryPorts } from '../../../test/support/testCluster.ts'
import { createVirtualClock } from '../../../test/support/virtualClock.ts'
import type { ConsumerRecord } from '../src/consumerRecord.ts'
import type { World } from '../src/world.ts'

type Fetch = World['fetch']

export function startService() {
  const clock = createVirtualClock()
  const { app, cluster } = createTestApp({ clock }, {}, { ...memoryPorts(), clock })
  const requests: string[] = []
  const world: World = {
    now: clock.now,
    sleep: clock.sleep,
    random: createRandom(1),
    fetch: async (url, init) => {
      const path = new URL(url).pathname.replace('/v3/clusters/local', '')
      requests.push(`${init.method} ${path}`)
      return abortable(init.signal, Promise.resolve(app.fetch(new Request(url, init))))
    },
  }
  return {
    cluster,
    clock,
    world,
    /** Method and path, in order. */
    requests,
    connection: { url: 'http://127.0.0.1', clusterId: 'local', world },
    createTopic: (name: string, partitionCount: number, configs: { name: string; value: string }[] = []) =>
      cluster.createTopic({ name, partitionCount, configs, validateOnly: false }),
    /** All of a topic, by partition. */
    async log(topicName: string) {
      const { partitionCount } = await cluster.describeTopic(topicName)
      const body = JSON.stringify({ from_beginning: true, fetch_max_bytes: 20_000_000 })
      const path = `/v3/clusters/local/topics/${topicName}/partitions/-/consume`
      const answer = await app.request(path, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
      const { partition_data_list: list } = JSON.parse(await answer.text())
      return Array.from({ length: partitionCount }, (_, partition): { key: unknown; value: unknown }[] => {
        return list[partition].records
      })
    },
  }
}

export type Service = ReturnType<typeof startService>

async function abortable(signal: AbortSignal | null | undefined, work: Promise<Response>): Promise<Response> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

/** Chances, in this order: the request is cut before it arrives, its answer is lost, a proxy says 503. */
export function flaky(
  world: World,
  seed: number,
  [cut, lost, busy]: readonly [number, number, number],
): World {
  const random = createRandom(seed)
  const fetch: Fetch = async (url, init) => {
    const fate = random()
    if (fate < cut) throw new TypeError('fetch failed')
    if (fate < cut + busy) return new Response('busy', { status: 503 })
    const answer = await world.fetch(url, init)
    if (fate > 1 - lost) throw new TypeError('terminated')
    return answer
  }
  return { ...world, fetch, random }
}

/** Mulberry32. */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Reads until `enough` says so, and leaves the loop. */
export async function readUntil(
  consumer: AsyncIterable<ConsumerRecord>,
  enough: (records: readonly ConsumerRecord[]) => boolean,
): Promise<readonly ConsumerRecord[]> {
  const records: ConsumerRecord[] = []
  for await (const record of consumer) {
    records.push(record)
    if (enough(records)) break
  }
  return records
}

export const placeOf = ({ topic, partition, offset }: ConsumerRecord): string =>
  `${topic}/${partition}@${offset}`
