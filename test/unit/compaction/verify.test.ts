import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Finding, verify } from '../../../shared/compaction/verify.ts'
import { encodeExtents } from '../../../shared/metadata/extent.ts'
import { parseIndexItem } from '../../../shared/metadata/indexItem.ts'
import { indexSortKey, segmentSortKey } from '../../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import type { Item, Table } from '../../../shared/ports/table.ts'
import {
  collectAll,
  createMill,
  hour,
  keyed,
  type Mill,
  minute,
  pass,
  produceEach,
  settle,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

const deadline = { deadlineMs: Number.POSITIVE_INFINITY }

/** Topic `t`: segments, above them an index and a tail; topic `big`: a flush that is an object; `gone`: deleted. */
async function createFullMill() {
  const mill = createMill()
  const cluster = mill.cluster()
  const compactor = mill.compactor({ segmentBytesMax: 2000 })
  await createTopic(cluster, 't', 2, { 'cleanup.policy': 'compact' })
  await createTopic(cluster, 'big', 1)
  await createTopic(cluster, 'gone', 1)
  const some = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => keyed(`k${i % 40}`, `v${from + i}`))
  await produceEach(cluster, some(0, 60))
  await produceEach(cluster, [keyed('a', 'x'.repeat(20_000))], 'gone')
  await cluster.idle()
  await settle(mill, compactor)
  await produceEach(cluster, some(60, 40))
  await produceEach(cluster, [keyed('a', 'x'.repeat(20_000)), keyed('b', 'y')], 'big')
  await cluster.idle()
  await cluster.deleteTopic('gone')
  return { mill, cluster, compactor }
}

async function findingsOf(mill: Mill) {
  const findings: Finding[] = []
  const steps: string[] = []
  const summary = await verify(mill.depsOn({}), {
    finding: (finding) => findings.push(finding),
    progress: (done, total) => steps.push(`${done}/${total}`),
  })
  const counted = Object.values(summary.findings).reduce((sum, count) => sum + count, 0)
  assert.equal(counted, findings.length, 'the summary counts what was reported')
  return { summary, findings, steps }
}

const shown = (findings: readonly Finding[]): string[] =>
  findings.map(({ kind, place, what }) => `${kind} ${place}: ${what}`).sort()

async function itemsOf(mill: Mill, topicName: string, kind: 'segment/' | 'index/'): Promise<readonly Item[]> {
  const topic = await mill.cluster().describeTopic(topicName)
  const pk = mill.scope.indexPk(topic.topicId, 0)
  return (await mill.table.query({ pk, prefix: kind, limit: 1000 })).items
}

/** What is wrong after one change to a mill in which nothing was. */
async function findingsAfter(change: (mill: Mill) => Promise<unknown>): Promise<string[]> {
  const { mill } = await createFullMill()
  await change(mill)
  return shown((await findingsOf(mill)).findings)
}

async function replaceObject(mill: Mill, name: string, change: (bytes: Uint8Array) => Uint8Array) {
  const bytes = await mill.objects.getRange(name, 0, 1 << 30)
  assert.ok(bytes)
  await mill.objects.delete([name])
  await mill.objects.putIfAbsent(name, [change(bytes.slice())])
}

const flip = (position: number) => (bytes: Uint8Array) => {
  bytes[position] = (bytes[position] ?? 0) ^ 1
  return bytes
}

async function liveFlush(mill: Mill): Promise<string> {
  const { topicId } = await mill.cluster().describeTopic('big')
  const sequencer = await mill.table.get(mill.scope.sequencer(topicId, 0))
  const [entry] = Array.isArray(sequencer?.attributes.tail) ? sequencer.attributes.tail : []
  assert.ok(entry instanceof Uint8Array)
  return mill.scope.logObject(Buffer.from(entry).toString('hex', 2, 18))
}

test('a log with segments, index, tail and a deleted topic has nothing wrong, at any stage', async () => {
  const { mill, compactor } = await createFullMill()
  const early = await findingsOf(mill)
  assert.deepEqual(shown(early.findings.filter(({ kind }) => kind !== 'orphan')), [])
  assert.ok(early.summary.segments > 1 && early.summary.extents > 20 && early.summary.bytes > 20_000)
  assert.ok(early.summary.inlineItems > 50 && early.summary.objects > 3 && early.summary.retired > 0)
  assert.deepEqual(early.steps, ['1/3', '2/3', '3/3'])
  for (let i = 0; i < 4; i++) {
    mill.clock.advance(2 * hour)
    await pass(mill, compactor)
    await collectAll(mill, compactor)
    const { findings } = await findingsOf(mill)
    assert.deepEqual(shown(findings.filter(({ kind }) => kind !== 'orphan')), [])
  }
  assert.deepEqual(shown((await findingsOf(mill)).findings), [], 'the collector leaves no orphan')
})

test('an object that is gone is dangling for each who names it', async () => {
  const segment = await findingsAfter(async (mill) => {
    const [item] = await itemsOf(mill, 't', 'segment/')
    assert.ok(item)
    const objectId = parseIndexItem(item).extents[0]?.objectId ?? ''
    await mill.objects.delete([mill.scope.segmentObject(objectId)])
  })
  assert.equal(
    segment.length > 0 && segment.every((line) => /^dangling t-0: object .* is missing$/.test(line)),
    true,
  )
  const flush = await findingsAfter(async (mill) => mill.objects.delete([await liveFlush(mill)]))
  assert.match(flush.join('\n'), /^dangling big-0: object test\/log\/\S+ is missing$/m)
})

test('an inline item that is gone is dangling', async () => {
  const found = await findingsAfter(async (mill) => {
    const named = (await itemsOf(mill, 't', 'index/')).at(-1)
    const objectId = named && parseIndexItem(named).extents.at(-1)?.objectId
    assert.ok(objectId)
    await mill.table.write({ kind: 'delete', key: mill.scope.inlineData(objectId) })
  })
  assert.match(found.join('\n'), /^dangling t-0: inline item [0-9a-f]{32} is missing$/m)
})

test('an object that ends before what is named, and one whose footer is damaged, are dangling', async () => {
  const cut = await findingsAfter(async (mill) =>
    replaceObject(mill, await liveFlush(mill), (bytes) => bytes.subarray(0, 100)),
  )
  assert.match(cut.join('\n'), /dangling big-0: object \S+ ends too early: it has 100 of at least \d+ bytes/)
  assert.match(cut.join('\n'), /dangling object \S+: its footer cannot be read: /)
  const footer = await findingsAfter(async (mill) => {
    const last = (await itemsOf(mill, 't', 'segment/')).at(-1)
    const objectId = (last && parseIndexItem(last).extents[0]?.objectId) ?? ''
    await replaceObject(mill, mill.scope.segmentObject(objectId), (bytes) => flip(bytes.length - 1)(bytes))
  })
  const [line, ...others] = footer.filter((one) => one.startsWith('dangling'))
  assert.match(line ?? '', /^dangling t-0: object \S+, footer: The object does not end with the footer/)
  assert.deepEqual(others, [])
})

test('a byte that changed is found with its object, position and offset', async () => {
  const records = await findingsAfter(async (mill) => replaceObject(mill, await liveFlush(mill), flip(300)))
  assert.deepEqual(
    records
      .filter((line) => line.startsWith('dangling'))
      .map((line) => line.replace(/object \S+,/, 'object …,')),
    ['dangling big-0: object …, position 0, offset 0: the batch is damaged: its CRC does not match'],
  )
  const magic = await findingsAfter(async (mill) => replaceObject(mill, await liveFlush(mill), flip(16)))
  assert.match(magic.join('\n'), /position 0, offset 0: the batch is damaged: .*magic at byte 16 is 3/)
  const count = await findingsAfter(async (mill) => replaceObject(mill, await liveFlush(mill), flip(26)))
  assert.match(count.join('\n'), /position 0, offset 0: the batch is damaged: /)
})

test('a flush whose footer names another sequencer would be collected, and is reported', async () => {
  const found = await findingsAfter(async (mill) =>
    replaceObject(mill, await liveFlush(mill), (bytes) => flip(bytes.length - 10)(bytes)),
  )
  assert.match(
    found.join('\n'),
    /^dangling object test\/log\/\S+: its footer does not say that sequencer \S+ names it$/m,
  )
})

test('a live segment in the list of the retired is reported', async () => {
  const found = await findingsAfter(async (mill) => {
    const item = (await itemsOf(mill, 't', 'segment/')).at(-1)
    const objectId = (item && parseIndexItem(item).extents[0]?.objectId) ?? ''
    const attributes = { since: mill.clock.now(), name: mill.scope.segmentObject(objectId) }
    await mill.table.write({ kind: 'put', key: mill.scope.retired(objectId), attributes })
  })
  assert.match(found.join('\n'), /^dangling t-0: object test\/segment\/\S+ is to be deleted$/m)
})

test('a segment item that is gone leaves a hole, and its object an orphan', async () => {
  const found = await findingsAfter(async (mill) => {
    const [first] = await itemsOf(mill, 't', 'segment/')
    assert.ok(first)
    await mill.table.write({ kind: 'delete', key: first.key })
  })
  assert.match(found.join('\n'), /^hole t-0: no segment has the offsets 0 to \d+$/m)
  assert.match(
    found.join('\n'),
    /^orphan object test\/segment\/\S+: nothing names its \d+ bytes; younger than the grace/m,
  )
})

test('an index item that is gone above the segments leaves a hole', async () => {
  const found = await findingsAfter(async (mill) => {
    const last = (await itemsOf(mill, 't', 'index/')).at(-1)
    assert.ok(last)
    await mill.table.write({ kind: 'delete', key: last.key })
  })
  assert.match(found.join('\n'), /^hole t-0: no flush has the offsets 84 to 95$/m)
})

test('index items that name different things for the same offsets overlap, the same things do not', async () => {
  const copyOfLast = async (mill: Mill, change: (objectId: string) => string) => {
    const last = (await itemsOf(mill, 't', 'index/')).at(-1)
    assert.ok(last)
    const index = parseIndexItem(last)
    const extents = index.extents.slice(0, 3).map((one) => ({ ...one, objectId: change(one.objectId) }))
    const key = { pk: last.key.pk, sk: indexSortKey(index.baseOffset + 2) }
    const attributes = { ...last.attributes, extents: encodeExtents(extents) }
    await mill.table.write({ kind: 'put', key, attributes })
  }
  const same = await findingsAfter((mill) => copyOfLast(mill, (id) => id))
  assert.deepEqual(
    same.filter((line) => !line.startsWith('orphan')),
    [],
  )
  const different = await findingsAfter((mill) =>
    copyOfLast(mill, (id) => `${id.slice(0, 31)}${id.endsWith('0') ? 1 : 0}`),
  )
  assert.match(
    different.join('\n'),
    /^overlap t-0: inline \S+ position 0 with the offsets 84 to 84 overlaps inline /m,
  )
})

test('segments that overlap without one covering the other are reported', async () => {
  const found = await findingsAfter(async (mill) => {
    const [first, second] = await itemsOf(mill, 't', 'segment/')
    assert.ok(first && second)
    const index = parseIndexItem(first)
    const extents = index.extents.map((one) => ({ ...one, offsetCount: one.offsetCount + 1 }))
    const key = { pk: first.key.pk, sk: segmentSortKey(index.endOffset) }
    await mill.table.write({
      kind: 'put',
      key,
      attributes: { ...first.attributes, extents: encodeExtents(extents) },
    })
    await mill.table.write({ kind: 'delete', key: first.key })
  })
  assert.match(found.join('\n'), /^overlap t-0: segment \S+ with the offsets \S+ to \d+ overlaps segment /m)
})

test('a sequencer that is gone, and one that cannot be read, are dangling', async () => {
  const sequencerKey = async (mill: Mill) =>
    mill.scope.sequencer((await mill.cluster().describeTopic('big')).topicId, 0)
  const gone = await findingsAfter(async (mill) =>
    mill.table.write({ kind: 'delete', key: await sequencerKey(mill) }),
  )
  assert.match(gone.join('\n'), /^dangling big-0: the sequencer of group 0 is missing$/m)
  const damaged = await findingsAfter(async (mill) =>
    mill.table.write({
      kind: 'update',
      key: await sequencerKey(mill),
      actions: [{ kind: 'set', attribute: 'tail', value: [new Uint8Array([1, 0, 7])] }],
    }),
  )
  assert.match(damaged.join('\n'), /^dangling big-0: the sequencer cannot be read: /m)
})

test('an object and an inline item that nothing names are orphans, with their age', async () => {
  const { mill, compactor } = await createFullMill()
  await compactor.collect({ ...deadline, dryRun: false })
  const id = `${mill.clock.now().toString(16).padStart(12, '0')}${'0'.repeat(20)}`
  await mill.objects.putIfAbsent(mill.scope.logObject(id), [Buffer.from('lost')])
  const key = mill.scope.inlineData(id)
  await mill.table.write({ kind: 'put', key: mill.scope.inlinePrefix(id), attributes: {} })
  await mill.table.write({ kind: 'put', key, attributes: { data: new Uint8Array(3) } })
  const orphans = async () =>
    shown((await findingsOf(mill)).findings).filter((line) => line.includes(id.slice(7)))
  const young = 'younger than the grace: somebody may be about to name it'
  assert.deepEqual(await orphans(), [
    `orphan inline item ${id}: nothing names its 3 bytes; ${young}`,
    `orphan object ${mill.scope.logObject(id)}: nothing names its 4 bytes; ${young}`,
  ])
  mill.clock.advance(3 * hour + minute)
  assert.ok((await orphans()).every((line) => line.includes('older than the grace')))
})

test('a sequencer in the work list that no topic has is an orphan', async () => {
  const found = await findingsAfter(async (mill) => {
    const { topicId } = await mill.cluster().describeTopic('t')
    const topic = (await mill.items()).find(({ attributes }) => attributes.id === topicId)
    assert.ok(topic)
    await mill.table.write({ kind: 'delete', key: topic.key })
  })
  assert.match(found.join('\n'), /^orphan sequencer \S+\/0: no topic has it$/m)
})

/** A log that lives: `meanwhile` happens once, between what a walk reads first and what it reads then. */
async function findingsWhile(when: 'names' | 'listing', meanwhile: (mill: Mill) => Promise<unknown>) {
  const { mill } = await createFullMill()
  let isOver = false
  const once = async () => {
    if (isOver) return
    isOver = true
    await meanwhile(mill)
  }
  const table: Table = {
    ...mill.table,
    async query(range) {
      if (when === 'names' && range.pk.endsWith('/p0')) await once()
      return mill.table.query(range)
    },
  }
  const objects: ObjectStore = {
    ...mill.objects,
    async list(...page) {
      if (when === 'listing') await once()
      return mill.objects.list(...page)
    },
  }
  const findings: Finding[] = []
  const listener = { finding: (finding: Finding) => findings.push(finding), progress: () => undefined }
  await verify(mill.depsOn({ table, objects }), listener)
  assert.ok(isOver)
  return shown(findings)
}

test('what writers and the compactor do meanwhile is no finding', async () => {
  const write = async (mill: Mill) => {
    await produceEach(mill.cluster(), [keyed('m', 'x'.repeat(20_000)), keyed('n', 'y')], 'big')
    await produceEach(mill.cluster(), [keyed('k1', 'new')])
  }
  const compact = async (mill: Mill) => {
    await write(mill)
    await settle(mill, mill.compactor({ segmentBytesMax: 2000 }))
  }
  const before = shown((await findingsOf((await createFullMill()).mill)).findings)
  for (const when of ['names', 'listing'] as const) {
    assert.deepEqual(await findingsWhile(when, write), before, when)
    assert.deepEqual(await findingsWhile(when, compact), before, when)
  }
})

test('a topic that is deleted or made meanwhile is no finding', async () => {
  const before = shown((await findingsOf((await createFullMill()).mill)).findings)
  assert.deepEqual(await findingsWhile('names', (mill) => mill.cluster().deleteTopic('big')), before)
  const make = async (mill: Mill) => {
    await createTopic(mill.cluster(), 'made', 1)
    await produceEach(mill.cluster(), [keyed('a', 'x'.repeat(20_000))], 'made')
  }
  assert.deepEqual(await findingsWhile('names', make), before)
  assert.deepEqual(await findingsWhile('listing', make), before)
})

test('a walk ends where its time does, and then says nothing of orphans', async () => {
  const { mill } = await createFullMill()
  await mill.objects.putIfAbsent(mill.scope.segmentObject('0'.repeat(32)), [new Uint8Array(5)])
  let asked = 0
  const findings: Finding[] = []
  const listener = { finding: (finding: Finding) => findings.push(finding), progress: () => undefined }
  const summary = await verify(mill.depsOn({}), listener, () => ++asked > 5)
  assert.equal(summary.unfinished, true)
  assert.deepEqual([summary.partitions < 3, summary.objects, findings], [true, 0, []])
})
