// Group commit: appends of one tenant that come together share one object and, per sequencer, one table write. Bytes
// first, then the ordering write, then the answer. Objects are written side by side, but the commits of one sequencer
// follow the order of the flushes, so that a producer with several requests under way keeps its order.

import { deferred } from '../base/concurrency.ts'
import { KafkaError, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { newObjectId } from '../metadata/objectId.ts'
import { retryRepeatable } from '../ports/retry.ts'
import { type BatchResult, commitBatches } from './commit.ts'
import type { CommitSignal } from './commitSignal.ts'
import type { LogDeps } from './deps.ts'
import { maintainSequencer, markWork } from './maintain.ts'
import {
  type AppendRequest,
  bytesOf,
  type ContainedBatch,
  type Container,
  type FlushSettings,
  flushLength,
  maySendAnother,
  planContainers,
} from './planFlush.ts'

export interface Appender {
  /** One result a batch, in their order. A refusal of one request never fails another one's. */
  append(request: AppendRequest): Promise<readonly BatchResult[]>
  /** Resolves when nothing is pending or under way. */
  idle(): Promise<void>
}

interface Pending {
  readonly request: AppendRequest
  readonly results: (BatchResult | undefined)[]
  /** Batches without a result. */
  unsettled: number
  readonly resolve: (results: readonly BatchResult[]) => void
  readonly reject: (error: unknown) => void
}

export function createAppender(deps: LogDeps, settings: FlushSettings, signal: CommitSignal): Appender {
  let pending: Pending[] = []
  let pendingBytes = 0
  let due = false
  let lingering = false
  const flushes = new Set<Promise<void>>()
  const background = new Set<Promise<void>>()
  const turns = createTurns()
  const maintain = createMaintenance(deps, background)

  const schedule = () => {
    while (pending.length > 0 && maySendAnother(flushes.size, pendingBytes, settings)) {
      if (!due && pendingBytes < settings.flushBytesMax && pending.length < settings.flushRequestsMax) break
      startFlush()
    }
    if (pending.length > 0 && !due && !lingering) linger()
  }

  const linger = () => {
    lingering = true
    void deps.clock.sleep(settings.lingerMs).then(() => {
      lingering = false
      due = true
      schedule()
    })
  }

  const startFlush = () => {
    const length = flushLength(
      pending.map(({ request }) => request),
      settings,
    )
    const taken = pending.slice(0, length)
    pending = pending.slice(length)
    pendingBytes = pending.reduce((sum, { request }) => sum + bytesOf(request), 0)
    due = pending.length > 0
    const done: Promise<void> = flush(deps, taken, { signal, turns, maintain }).finally(() => {
      flushes.delete(done)
      schedule()
    })
    flushes.add(done)
  }

  return {
    append(request) {
      const { promise, resolve, reject } = deferred<readonly BatchResult[]>()
      const { length: unsettled } = request.batches
      pending.push({ request, results: request.batches.map(() => undefined), unsettled, resolve, reject })
      pendingBytes += bytesOf(request)
      schedule()
      return promise
    },
    async idle() {
      while (pending.length > 0 || flushes.size > 0 || background.size > 0) {
        await Promise.all([...flushes, ...background])
        if (pending.length > 0 && flushes.size === 0) await deps.clock.sleep(settings.lingerMs)
      }
    },
  }
}

interface FlushTools {
  readonly signal: CommitSignal
  readonly turns: Turns
  readonly maintain: (topicId: string, group: number, tailLength: number) => void
}

/** Never rejects: what fails is answered to the requests that it failed. */
async function flush(deps: LogDeps, taken: readonly Pending[], tools: FlushTools): Promise<void> {
  const byRequest = new Map(taken.map((one) => [one.request, one]))
  const answers: Answers = {
    settle(batch, result) {
      const one = byRequest.get(batch.request)
      if (!one || one.results[batch.index]) return
      one.results[batch.index] = result
      if (--one.unsettled === 0) one.resolve(one.results.filter((r) => r !== undefined))
    },
    fail: (batch, error) => byRequest.get(batch.request)?.reject(error),
  }
  const containers = planContainers(taken.map(({ request }) => request))
  await Promise.all(containers.map((container) => storeAndCommit(deps, container, tools, answers)))
}

interface Answers {
  readonly settle: (batch: ContainedBatch, result: BatchResult) => void
  /** A failure of ours: no answer that the batch's client could act on. */
  readonly fail: (batch: ContainedBatch, error: unknown) => void
}

async function storeAndCommit(
  deps: LogDeps,
  container: Container,
  { signal, turns, maintain }: FlushTools,
  answers: Answers,
): Promise<void> {
  const giveUpAtMs = deps.clock.now() + limits.writerPatienceMs
  const keys = container.commits.map(({ topicId, group }) => deps.scope.sequencer(topicId, group).pk)
  const taken = keys.map((key) => turns.take(key))
  try {
    const objectId = await orAnswer(container.commits, answers, () => storeContainer(deps, container))
    if (objectId === undefined) return
    const { storage } = container
    const commits = container.commits.map(async ({ topicId, group, batches }, i) => {
      await taken[i]?.begin
      const key = deps.scope.sequencer(topicId, group)
      const commit = { key, topicId, group, batches, storage, objectId, giveUpAtMs }
      const done = await orAnswer([commit], answers, () => commitBatches(deps, commit, answers.settle))
      taken[i]?.end()
      signal.notify(key.pk)
      maintain(topicId, group, done?.tailLength ?? 0)
    })
    await Promise.all(commits)
  } finally {
    for (const turn of taken) turn.end()
  }
}

/** A KafkaError is the answer to every batch that has none yet; anything else fails their requests, and no others. */
async function orAnswer<T>(
  commits: readonly { readonly batches: readonly ContainedBatch[] }[],
  { settle, fail }: Answers,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    for (const batch of commits.flatMap(({ batches }) => batches)) {
      if (error instanceof KafkaError) settle(batch, { kind: 'refused', error })
      else fail(batch, error)
    }
    return undefined
  }
}

/** Puts the container under a name of its own; a name that is taken after a lost answer was taken by this very put. */
async function storeContainer(deps: LogDeps, { storage, parts }: Container): Promise<string> {
  for (;;) {
    const objectId = newObjectId(deps.clock, deps.random)
    let answerLost = false
    const stored = await retryRepeatable(deps, async () => {
      try {
        return await (storage === 'object'
          ? putObject(deps, objectId, parts)
          : putInline(deps, objectId, parts))
      } catch (error) {
        answerLost ||= error instanceof StorageError && error.effect === 'unknown'
        throw error
      }
    })
    if (stored || answerLost) return objectId
  }
}

const putObject = async (deps: LogDeps, objectId: string, parts: readonly Uint8Array[]): Promise<boolean> =>
  (await deps.objects.putIfAbsent(deps.scope.logObject(objectId), parts)) === 'stored'

async function putInline(deps: LogDeps, objectId: string, parts: readonly Uint8Array[]): Promise<boolean> {
  const key = deps.scope.inlineData(objectId)
  await noteInlinePrefix(deps, objectId)
  const data = new Uint8Array(Buffer.concat(parts))
  const { ok } = await deps.table.write({
    kind: 'put',
    key,
    attributes: { data },
    when: [{ kind: 'itemAbsent' }],
  })
  return ok
}

// Of each scope, the time for which this process has noted that there are inline items.
const notedPrefixes = new WeakMap<LogDeps, string>()

/** Before the first inline item of a time, so that the collector finds it: one write in a quarter of an hour. */
async function noteInlinePrefix(deps: LogDeps, objectId: string): Promise<void> {
  const key = deps.scope.inlinePrefix(objectId)
  if (notedPrefixes.get(deps) === key.sk) return
  await deps.table.write({ kind: 'put', key, attributes: {} })
  notedPrefixes.set(deps, key.sk)
}

interface Turns {
  /** A place in the queue of this key: begins when all places taken before have ended. */
  take(key: string): { readonly begin: Promise<void>; readonly end: () => void }
}

function createTurns(): Turns {
  const last = new Map<string, Promise<void>>()
  return {
    take(key) {
      const begin = last.get(key) ?? Promise.resolve()
      const { promise: ended, resolve } = deferred<void>()
      const queue = begin.then(() => ended)
      last.set(key, queue)
      const end = () => {
        resolve()
        if (last.get(key) === queue) last.delete(key)
      }
      return { begin, end }
    },
  }
}

/** Keeps tails short in the background, each sequencer by one at a time. */
function createMaintenance(deps: LogDeps, background: Set<Promise<void>>): FlushTools['maintain'] {
  const underWay = new Set<string>()
  return (topicId, group, tailLength) => {
    const key = `${topicId}/${group}`
    const isLong = tailLength >= limits.tailSpillLength
    if (!(isLong || tailLength === 1) || underWay.has(key)) return
    underWay.add(key)
    const work = isLong ? maintainSequencer : markWork
    const done: Promise<void> = work(deps, topicId, group)
      .catch(deps.reportBackgroundFailure)
      .finally(() => {
        underWay.delete(key)
        background.delete(done)
      })
    background.add(done)
  }
}
