// The engine's settings where nothing else is said, for one machine. A setting exists once, here; the runtime overrides
// it.

import type { ClusterSettings } from './createCluster.ts'

const mebibyte = 1024 * 1024

export const defaultClusterSettings: ClusterSettings = {
  flush: {
    lingerMs: 0,
    flushBytesMax: 4 * mebibyte,
    flushRequestsMax: 1000,
    flushesInFlightMax: 4,
  },
  fetch: {
    cacheBytesMax: 64 * mebibyte,
    blockBytes: 4 * mebibyte,
    readAheadBytes: 16 * mebibyte,
    tailReadsMax: 32,
    catchUpReadsMax: 8,
    pollMsMin: 20,
    pollMsMax: 500,
  },
  groups: {
    heartbeatIntervalMs: 5_000,
    sessionTimeoutMs: 45_000,
    membersMax: 1_000,
  },
  numPartitions: 1,
  autoCreateTopics: false,
  metadataMaxAgeMs: 5_000,
}
