// TransactWriteItems, which dynalite has not. Each write of a transaction is dynalite's own operation, on a store that
// shows the items as they are and keeps what is written aside; when none of them failed, all is written as one batch.
// The locks of all items are held meanwhile, and dynalite's own writes take the same locks, so a transaction waits for
// writes that it meets and they for it: DynamoDB would cancel one of them with TransactionConflict. A transaction
// writes to one table, which has no secondary indexes.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'

type Body = Record<string, unknown>
type Done<Result> = (error: Failure | null, result?: Result) => void

/** What dynalite answers with a status. */
interface Failure extends Error {
  readonly statusCode?: number
  readonly body?: Body
}

interface Items {
  lock(keys: string | readonly string[], work: (release: <F>(done: F) => F) => void): void
  get(key: string, done: Done<Body>): void
  put(key: string, item: Body, done: Done<void>): void
  del(key: string, done: Done<void>): void
  batch(changes: readonly Change[], done: Done<void>): void
}

type Change = { type: 'put'; key: string; value: Body } | { type: 'del'; key: string }

export interface Store {
  getTable(name: unknown, done: Done<object>): void
  getItemDb(name: unknown): Items
}

interface Database {
  createKey(key: unknown, table: object): string
  itemSize(item: Body): number
  validationError(message: string): Failure
}

interface Validation {
  readonly types: object
  readonly custom: (request: Body, store: Store) => string | undefined
}

interface Validations {
  checkTypes(request: Body, types: object): Body
  checkValidations(request: Body, types: object, custom: Validation['custom'], store: Store): void
}

type Action = (store: Store, request: Body, done: Done<Body>) => void

const require = createRequire(import.meta.url)
const database: Database = require('dynalite/db')
const validations: Validations = require('dynalite/validations')

/** A condition check refuses and validates like a delete; what it would delete is not deleted. */
const operations = {
  Put: 'putItem',
  Update: 'updateItem',
  Delete: 'deleteItem',
  ConditionCheck: 'deleteItem',
}
type Kind = keyof typeof operations

interface Step {
  readonly kind: Kind
  readonly table: unknown
  readonly key: string
  readonly request: Body
}

const writesMax = 100
const bytesMax = 4 * 1024 * 1024
const target = 'DynamoDB_20120810.TransactWriteItems'

/** Answers transactions itself and leaves every other request to the server. */
export function addTransactions(server: Server, store: Store): void {
  const others = server.listeners('request')
  server.removeAllListeners('request')
  const transact = createTransact(store)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers['x-amz-target'] === target) answer(transact, request, response)
    else for (const listener of others) listener.call(server, request, response)
  })
}

function answer(transact: Transact, request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  const send = (status: number, body: Body) => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
    response.end(JSON.stringify(body))
  }
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    transact(JSON.parse(Buffer.concat(chunks).toString())).then(
      (body) => send(200, body),
      (error: Failure) => send(error.statusCode ?? 500, error.body ?? { message: String(error.stack) }),
    )
  })
}

type Transact = (request: Body) => Promise<Body>

function createTransact(store: Store): Transact {
  /** DynamoDB forgets a token after ten minutes. */
  const answered = new Map<unknown, { readonly request: string; readonly body: Promise<Body> }>()
  return (request) => {
    const { ClientRequestToken: token, ...rest } = request
    const text = JSON.stringify(rest)
    const earlier = token === undefined ? undefined : answered.get(token)
    if (earlier !== undefined && earlier.request !== text) {
      return Promise.reject(failure('IdempotentParameterMismatchException', {}))
    }
    const body = earlier?.body ?? run(store, request)
    // A transaction that was cancelled is tried anew under the same token.
    if (token !== undefined) {
      answered.set(token, { request: text, body })
      body.catch(() => answered.delete(token))
    }
    return body
  }
}

async function run(store: Store, request: Body): Promise<Body> {
  const steps = await Promise.all(itemsOf(request).map((item) => parseStep(store, item)))
  checkItems(steps)
  const units = request.ReturnConsumedCapacity === 'TOTAL'
  const release = await lockAll(store, steps)
  try {
    const staged = await Promise.all(steps.map((step) => stage(store, step)))
    if (staged.some(({ error }) => error !== undefined)) throw cancelled(staged)
    const changes = staged.flatMap(({ change }) => change ?? [])
    const bytes = changes.reduce(
      (sum, one) => sum + (one.type === 'put' ? database.itemSize(one.value) : 0),
      0,
    )
    if (bytes > bytesMax) throw database.validationError('Transaction size is over 4 MB')
    await promised((done) => itemsDb(store, steps).batch(changes, done))
    return units ? { ConsumedCapacity: [capacityOf(steps, staged)] } : {}
  } finally {
    release()
  }
}

function itemsOf({ TransactItems: items }: Body): readonly Body[] {
  if (Array.isArray(items) && items.length > 0 && items.length <= writesMax) return items
  throw database.validationError(`Member 'transactItems' must have 1 to ${writesMax} elements`)
}

async function parseStep(store: Store, item: Body): Promise<Step> {
  const kind = isKind(Object.keys(item)[0])
  const validation: Validation = require(`dynalite/validations/${operations[kind]}`)
  const given = { ...(item[kind] as Body), ReturnConsumedCapacity: 'TOTAL' }
  const request = validations.checkTypes(given, validation.types)
  validations.checkValidations(request, validation.types, validation.custom, store)
  const table = await promised<object>((done) => store.getTable(request.TableName, done))
  const key = database.createKey(request.Key ?? request.Item, table)
  return { kind, table: request.TableName, key, request }
}

function isKind(name: string | undefined): Kind {
  if (name === 'Put' || name === 'Update' || name === 'Delete' || name === 'ConditionCheck') return name
  throw database.validationError('TransactItems can only contain one of Check, Put, Update or Delete')
}

function checkItems(steps: readonly Step[]): void {
  const places = new Set(steps.map(({ key }) => key))
  if (places.size === steps.length) return
  throw database.validationError('Transaction request cannot include multiple operations on one item')
}

const itemsDb = (store: Store, [first]: readonly Step[]): Items => store.getItemDb(first?.table)

const lockAll = (store: Store, steps: readonly Step[]): Promise<() => void> =>
  new Promise((resolve) => {
    const keys = steps.map(({ key }) => key)
    itemsDb(store, steps).lock(keys, (release) => resolve(release(() => {})))
  })

interface Staged {
  readonly error?: Failure
  readonly change?: Change
  readonly units?: number
}

/** The operation itself, under a lock that is held already; its write is kept. */
async function stage(store: Store, { kind, table, request }: Step): Promise<Staged> {
  const items = store.getItemDb(table)
  let change: Change | undefined
  const keep = (kept: Change, done: Done<void>) => {
    change = kept
    done(null)
  }
  const aside: Items = {
    ...items,
    lock: (_, work) => work((done) => done),
    put: (key, value, done) => keep({ type: 'put', key, value }, done),
    del: (key, done) => keep({ type: 'del', key }, done),
  }
  const action: Action = require(`dynalite/actions/${operations[kind]}`)
  try {
    const body = await promised<Body>((done) => action({ ...store, getItemDb: () => aside }, request, done))
    const { CapacityUnits: units = 1 } = (body.ConsumedCapacity ?? {}) as { CapacityUnits?: number }
    return kind === 'ConditionCheck' || change === undefined ? { units } : { change, units }
  } catch (error) {
    return { error: error as Failure }
  }
}

function cancelled(staged: readonly Staged[]): Failure {
  const reasons = staged.map(({ error }) => {
    if (error === undefined) return { Code: 'None' }
    const { __type: type, message, Item } = error.body ?? {}
    if (typeof type !== 'string') throw error
    const isFalse = type.endsWith('#ConditionalCheckFailedException')
    return { Code: isFalse ? 'ConditionalCheckFailed' : 'ValidationError', Message: message, Item }
  })
  const codes = reasons.map(({ Code }) => Code).join(', ')
  const Message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`
  return failure('TransactionCanceledException', { Message, CancellationReasons: reasons })
}

/** A transaction costs twice what its writes cost alone. */
const capacityOf = (steps: readonly Step[], staged: readonly Staged[]) => ({
  TableName: steps[0]?.table,
  CapacityUnits: 2 * staged.reduce((sum, { units = 0 }) => sum + units, 0),
})

const failure = (name: string, body: Body): Failure =>
  Object.assign(new Error(name), {
    statusCode: 400,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, ...body },
  })

const promised = <Result>(call: (done: Done<Result>) => void): Promise<Result> =>
  new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result as Result)))
  })
