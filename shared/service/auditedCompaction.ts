// A compactor whose work for an operator is told to the audit log of the cluster: what it changes and what it shows is
// a tenant's. Not told is who looks at how it stands. It is handed to operators alone, whom bindings do not bind.

import { type AuditedCall, createWatch, type NoteCall, onCluster } from './auditedCluster.ts'
import { compactionRun, objectDump, storageVerification } from './auditFacts.ts'
import type { Compaction } from './compaction.ts'
import type { Begin } from './grants.ts'

const asOperator: Begin = (work) => ({ running: work(), grant: 'SUPER_USER' })

export function createAuditedCompaction(compaction: Compaction, note: NoteCall): Compaction {
  const { change } = createWatch(note, asOperator)
  const { run, verify, readStored } = compaction
  return {
    ...compaction,
    run: (request) => change(call('RunCompaction'), () => run(request), compactionRun(request)),
    verify: (...given) => change(call('VerifyStorage'), () => verify(...given), storageVerification),
    readStored: (name) => change(call('DumpObject'), () => readStored(name), objectDump(name)),
  }
}

/** Kafka has no such requests; this is its right for what brokers do among themselves. */
const call = (method: string): AuditedCall => onCluster(method, 'CLUSTER_ACTION')
