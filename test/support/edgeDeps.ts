// The edge without an engine behind it: for tests of what happens before a cluster is asked.
import { type AppDeps, createHttpDeps, type HttpDeps } from '../../shared/http/context.ts'

export interface Edge {
  readonly deps: HttpDeps
  readonly failures: unknown[]
}

/** No clusters, no compactor, a clock that stands still, and random bytes that are all 7. */
export function createEdge(changes: Partial<HttpDeps> = {}): Edge {
  const failures: unknown[] = []
  const deps: AppDeps = {
    authenticate: () =>
      Promise.resolve({
        operator: undefined,
        administration: undefined,
        clusterIds: [],
        tenant: undefined,
        cluster: () => undefined,
        compaction: () => undefined,
        usage: undefined,
        throttledMs: () => 0,
        noteWork: () => {},
      }),
    clock: { now: () => 0, sleep: () => Promise.withResolvers<void>().promise },
    random: { bytes: (length) => new Uint8Array(length).fill(7), float: () => 0.5 },
    limits: {
      bodyBytesMax: 1024,
      bodiesBytesMax: 4096,
      answersBytesMax: 4096,
      bodyIdleMsMax: 1000,
      fetchWaitMsMax: 1000,
      batchEntriesMax: 10,
      streamMsMax: 1000,
    },
    version: '1.2.3',
    loopbackOnly: false,
    probeStorage: () => Promise.resolve(),
    docsAssets: new Map(),
    reportFailure: (error) => failures.push(error),
    ...changes,
  }
  return { deps: createHttpDeps(deps), failures }
}
