// The process that is killed: a cluster on the embedded storage, two compactors and a collector that never rest. The
// parent asks it for everything over the process's channel. argv: data folder, milliseconds by which its clock is
// ahead, entries of the offset map.

import { createScope } from '../../shared/metadata/scope.ts'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { type Compactor, createCompactor } from '../../shared/service/compactor.ts'
import { createCluster } from '../../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../../shared/service/settings.ts'
import { openEmbeddedStorage } from '../../shared/storage/embedded/open.ts'
import { type Answer, type Ask, aggressive, failureOf, tenant } from './protocol.ts'

const [, , folder = '', aheadText, entriesText] = process.argv
const clock = { ...systemClock, now: () => systemClock.now() + Number(aheadText) }
const storage = await openEmbeddedStorage(folder)
const send = (answer: Answer) => process.send?.(answer)
const deps = {
  objects: storage.objects,
  table: storage.table,
  clock,
  random: systemRandom,
  scope: createScope(tenant),
  reportBackgroundFailure: (error: unknown) => send({ kind: 'trouble', words: String(error) }),
}
const cluster = createCluster(deps, 'local', defaultClusterSettings)
const settings = { ...aggressive, offsetMapEntriesMax: Number(entriesText) }
const compactors = [createCompactor(deps, settings), createCompactor(deps, settings)]
let resting = false

const passMsMax = 10_000
const deadline = () => ({ deadlineMs: clock.now() + passMsMax })

const compactOn = async (compactor: Compactor) => {
  while (!resting) {
    await compactor.run(deadline())
    await clock.sleep(10)
  }
}

const collectOn = async (compactor: Compactor) => {
  while (!resting) {
    const { unreadable } = await compactor.collect({ ...deadline(), dryRun: false })
    for (const { name, reason } of unreadable) send({ kind: 'trouble', words: `${name}: ${reason}` })
    await clock.sleep(200)
  }
}

const works = [...compactors.map(compactOn), ...compactors.slice(0, 1).map(collectOn)]

/** Everything that is due is done, and once more what nothing names is deleted. */
const settle = async () => {
  resting = true
  await cluster.idle()
  await Promise.all(works)
  for (const compactor of compactors.slice(0, 1)) {
    for (let quiet = 0; quiet < 3; ) {
      const { sequencers } = await compactor.run(deadline())
      quiet = sequencers === 0 ? quiet + 1 : 0
      await clock.sleep(aggressive.reconcileAgeMs)
    }
    await compactor.collect({ deadlineMs: Number.POSITIVE_INFINITY, dryRun: false })
  }
}

const carryOut = async (ask: Ask): Promise<unknown> => {
  if (ask.kind === 'createTopic') return cluster.createTopic(ask.topic)
  if (ask.kind === 'initProducer') return cluster.initProducer()
  if (ask.kind === 'produce') return cluster.produceBatches(ask.topicName, ask.partition, ask.body)
  if (ask.kind === 'settle') return settle()
  if (ask.kind === 'report') return compactors.map(({ report }) => report.counters)
  const { partition, offset, maxBytes } = ask
  const request = { maxBytes, minBytes: 0, maxWaitMs: 0 }
  const partitions = [{ partition, offset, maxBytes }]
  const [fetched] = await cluster.fetch({ ...request, topicName: ask.topicName, partitions })
  return fetched && { ...fetched, error: fetched.error && failureOf(fetched.error) }
}

process.on('message', ({ id, ask }: { id: number; ask: Ask }) => {
  carryOut(ask).then(
    (result) => send({ kind: 'done', id, result }),
    (error: unknown) => send({ kind: 'failed', id, failure: failureOf(error) }),
  )
})
process.on('disconnect', () => process.exit())
send({ kind: 'ready' })
