// The embedded table's one writer, a thread of its own so that no commit blocks the process. Threads that write send it
// a port each. Each message there is a group of requests: evaluated in their order, in one transaction, answered after
// its COMMIT, so that a group costs one fsync. A request that is a mistake of our own fails alone; an error of SQLite
// fails the group.
import { MessagePort, parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../../base/errors.ts'
import type { Item, ItemKey } from '../../ports/table.ts'
import { type Applied, decideTransaction, decideWrite } from '../evaluate.ts'
import { encodeAttributes } from './attributes.ts'
import { createFind, openTableWriter } from './tableFile.ts'
import { close, decodeRequests, encodeReplies, type Reply, type Request, ready } from './tableProtocol.ts'

const port = parentPort
invariant(port !== null, 'the writer of the table runs as a worker')
const database = openTableWriter(String(workerData))
const find = createFind(database)
const upsert = database.prepare(
  'INSERT INTO item VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET attributes = excluded.attributes',
)
const remove = database.prepare('DELETE FROM item WHERE pk = ? AND sk = ?')

port.on('message', (message: unknown) => {
  if (message === close) {
    database.close()
    port.close()
    return
  }
  invariant(message instanceof MessagePort, 'the writer of the table is sent ports')
  serve(message)
})
port.postMessage(ready)

function serve(client: MessagePort): void {
  client.on('message', (message: unknown) => {
    invariant(message instanceof Uint8Array, 'the writer of the table is sent bytes')
    const replies = encodeReplies(commitGroup(decodeRequests(message)))
    client.postMessage(replies, [replies.buffer])
  })
  // Who has not closed theirs does not keep the writer from its end.
  client.unref()
}

function commitGroup(requests: readonly Request[]): readonly Reply[] {
  let replies: readonly Reply[]
  try {
    database.exec('BEGIN IMMEDIATE')
    replies = requests.map(answer)
  } catch (error) {
    rollback()
    return requests.map(() => failed('none', error))
  }
  try {
    database.exec('COMMIT')
    return replies
  } catch (error) {
    rollback()
    return requests.map(() => failed('unknown', error))
  }
}

function answer(request: Request): Reply {
  return request.kind === 'write' ? answerWrite(request) : answerTransact(request)
}

function answerWrite({ write }: Request & { kind: 'write' }): Reply {
  const current = find(write.key)
  const decision = attempt(() => decideWrite(current, write))
  if (decision.kind === 'mistake') return decision
  if (decision.kind === 'refuse') {
    return { kind: 'written', outcome: { ok: false, current: itemOf(write.key, current) } }
  }
  store(decision)
  return { kind: 'written', outcome: { ok: true, updated: decision.updated } }
}

function answerTransact({ writes }: Request & { kind: 'transact' }): Reply {
  const items = writes.map(({ key }) => itemOf(key, find(key)))
  const decision = attempt(() =>
    decideTransaction(
      writes,
      items.map((item) => item?.attributes),
    ),
  )
  if (decision.kind === 'mistake') return decision
  if (decision.kind === 'refuse') {
    const refusals = decision.failed.map((index) => ({ index, current: items[index] }))
    return { kind: 'transacted', outcome: { ok: false, failed: refusals } }
  }
  for (const applied of decision.applied) store(applied)
  return { kind: 'transacted', outcome: { ok: true } }
}

function attempt<Decision>(decide: () => Decision): Decision | (Reply & { kind: 'mistake' }) {
  try {
    return decide()
  } catch (error) {
    return { kind: 'mistake', message: messageOf(error) }
  }
}

function store({ key, next }: Applied): void {
  if (next === undefined) remove.run(key.pk, key.sk)
  else upsert.run(key.pk, key.sk, encodeAttributes(next))
}

function rollback(): void {
  if (database.isTransaction) database.exec('ROLLBACK')
}

function itemOf(key: ItemKey, attributes: Item['attributes'] | undefined): Item | undefined {
  return attributes === undefined ? undefined : { key, attributes }
}

function failed(effect: 'none' | 'unknown', error: unknown): Reply {
  return { kind: 'failed', effect, message: messageOf(error) }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
