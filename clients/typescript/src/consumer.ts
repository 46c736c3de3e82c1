// The consumer: `for await (const record of consumer)`. It is a member of its group from the first record that is
// asked for until the loop ends, however it ends. Partitions are taken and given up only while the loop asks for a
// record, so that the application never meets a record of a partition that has become somebody else's.

import { isHarmless } from './commits.ts'
import type { ConsumerRecord } from './consumerRecord.ts'
import type { OffsetReset } from './fetcher.ts'
import type { OffsetToCommit } from './groupOffsets.ts'
import type { Handed, Position } from './positions.ts'
import type { RebalanceCallbacks } from './rebalance.ts'
import { openSession, type Session } from './session.ts'
import { keyOf, type TopicPartition } from './topicPartition.ts'
import type { ConnectionOptions } from './transport.ts'
import { systemWorld } from './world.ts'

export interface ConsumerOptions extends ConnectionOptions, RebalanceCallbacks {
  readonly groupId: string
  /** Either these or `pattern`. */
  readonly topics?: readonly string[]
  /** RE2 syntax; matches whole names of topics, those to come as well. */
  readonly pattern?: string
  /** Where nothing is committed, or no longer there; default latest. */
  readonly autoOffsetReset?: OffsetReset
  /** Commits what the loop is done with: now and then, before it gives up a partition, and at the end; default true. */
  readonly autoCommit?: boolean
  /** Default 5,000. */
  readonly autoCommitIntervalMs?: number
  /** Of a static member: who comes back under this name within the session has its partitions back. */
  readonly instanceId?: string
  /** Shown in the views of the group. */
  readonly clientId?: string
  /** A loop that is busy with a record for longer leaves the group until it asks for the next; default 300,000. */
  readonly maxPollIntervalMs?: number
  /** Of an answer, and of records that wait to be handed out; default 1 MiB. */
  readonly fetchBytesMax?: number
  /** That a request waits for records; default 5,000. */
  readonly fetchMaxWaitMs?: number
  /** Ends the loop after the record that it is busy with, as if there were no more. */
  readonly signal?: AbortSignal
}

export interface Consumer extends AsyncIterable<ConsumerRecord> {
  /** These records and all before them; absent: all that the loop was given. */
  commit(records?: Iterable<ConsumerRecord>): Promise<void>
  commitOffsets(offsets: readonly OffsetToCommit[]): Promise<void>
  assignment(): readonly TopicPartition[]
  /** Goes on at this offset. */
  seek(partition: TopicPartition, offset: number): void
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Leaves at once. What the loop is busy with counts as not done. */
  close(): Promise<void>
}

export function createConsumer(options: ConsumerOptions): Consumer {
  const { world = systemWorld, autoCommit = true, autoOffsetReset = 'latest' } = options
  const { autoCommitIntervalMs = 5000 } = options
  const session = openSession({ ...options, world, autoCommit, autoOffsetReset })
  const { stop, changed, member, rebalance, commits } = session
  let asking: Promise<unknown> = Promise.resolve()
  let left: Promise<void> | undefined

  const leave = async (): Promise<void> => {
    stop.abort()
    changed.notify()
    await asking.catch(() => undefined)
    try {
      await rebalance.end()
    } finally {
      await member.leave()
    }
  }
  const close = (): Promise<void> => {
    left ??= leave()
    return left
  }

  const commitNowAndThen = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await world.sleep(autoCommitIntervalMs, stop.signal)
      if (stop.signal.aborted) return
      await commits.commitDone().catch((error) => {
        if (!isHarmless(error)) session.fail(error)
      })
    }
  }

  async function* read(): AsyncGenerator<ConsumerRecord, void, undefined> {
    if (autoCommit) void commitNowAndThen()
    try {
      for (;;) {
        const next = nextRecord(session)
        asking = next
        const handed = await next
        if (handed === undefined) return
        session.busyWith(handed)
        yield handed.record
        session.doneWith(handed)
      }
    } finally {
      await close()
    }
  }

  const records = read()
  options.signal?.addEventListener('abort', () => stop.abort(), { once: true, signal: stop.signal })
  if (options.signal?.aborted) stop.abort()
  stop.signal.addEventListener('abort', changed.notify, { once: true })
  return { [Symbol.asyncIterator]: () => records, close, ...controls(session) }
}

/** undefined: the consumer is to stop. */
async function nextRecord(session: Session): Promise<Handed | undefined> {
  const { stop, changed, member, rebalance, fetcher } = session
  member.join()
  for (;;) {
    const change = changed.next()
    if (stop.signal.aborted) return undefined
    try {
      await rebalance.settle()
    } catch (error) {
      // What was asked for meanwhile is not wanted any more.
      if (stop.signal.aborted && error === stop.signal.reason) return undefined
      throw error
    }
    const failure = session.failure()
    if (failure !== undefined) throw failure.error
    const handed = fetcher.take()
    if (handed !== undefined) return handed
    fetcher.pump()
    await change
  }
}

function controls({
  positions,
  commits,
  fetcher,
}: Session): Omit<Consumer, 'close' | typeof Symbol.asyncIterator> {
  return {
    commit: (records) => commits.commit(records === undefined ? positions.all().map(given) : behind(records)),
    commitOffsets: (offsets) => commits.commit(offsets),
    assignment: () => positions.all().map(({ topic, partition }) => ({ topic, partition })),
    seek(partition, offset) {
      positions.move(partition, offset)
      fetcher.renew()
    },
    pause(partitions) {
      for (const partition of partitions) positions.pause(partition, true)
    },
    resume(partitions) {
      for (const partition of partitions) positions.pause(partition, false)
      fetcher.renew()
    },
  }
}

const given = ({ topic, partition, next: offset }: Position): OffsetToCommit => ({ topic, partition, offset })

/** Of each partition the offset behind the last of its records. */
function behind(records: Iterable<ConsumerRecord>): readonly OffsetToCommit[] {
  const last = new Map<string, OffsetToCommit>()
  for (const { topic, partition, offset } of records) {
    const known = last.get(keyOf({ topic, partition }))?.offset ?? 0
    last.set(keyOf({ topic, partition }), { topic, partition, offset: Math.max(known, offset + 1) })
  }
  return [...last.values()]
}
