// Two tenants on one deployment, at work at once: the one minds its business, the other wants into it. Every key of the
// table and every name of the bucket that a request touches is held against whose request it is.

import { AsyncLocalStorage } from 'node:async_hooks'
import { createChance } from '../../fuzz/chance.ts'
import { rightsTable } from '../../security/rights.ts'
import { type Asked, ask, createWorld, requestOf } from '../../security/world.ts'
import type { Touched } from '../../support/keyWatch.ts'
import { hostileRequest } from './hostile.ts'

const hostileCluster = 'lkc-other'
const victimCluster = 'local'
const stepsPerRun = 40
/** Values of the victim's records. */
const secret = 'nobody-else-reads-this'

export interface RunOutcome {
  readonly problems: readonly string[]
  /** By status. */
  readonly answers: Readonly<Record<number, number>>
  readonly touched: number
}

export async function runTenants(seed: number): Promise<RunOutcome> {
  const caller = new AsyncLocalStorage<string>()
  const problems: string[] = []
  const answers: Record<number, number> = {}
  let touched = 0
  const world = await createWorld((touch) => {
    const clusterId = caller.getStore()
    if (clusterId === undefined) return
    touched++
    if (!isOwn(touch, clusterId))
      problems.push(`a request of ${clusterId} touched ${touch.kind} ${touch.name}`)
  }, secret)
  const hostile = await world.makeKey(hostileCluster, 'User:hostile')
  const victim = await world.makeKey(victimCluster, 'User:victim')
  await world.bind('User:hostile', everyRight, hostileCluster)
  await world.bind('User:victim', everyRight, victimCluster)
  const loot = await world.lootOf(victimCluster, victim.id)

  const attack = async (): Promise<void> => {
    for (let step = 0; step < stepsPerRun; step++) {
      const asked = hostileRequest(createChance(seed, step), loot, hostileCluster)
      const { status, text } = await ask(world, hostile, asked)
      answers[status] = (answers[status] ?? 0) + 1
      if (status >= 500) problems.push(`${show(asked)}: ${status} ${text}`)
      if (text.includes(secret)) problems.push(`${show(asked)}: the answer holds the victim's records`)
    }
  }
  const work = async (): Promise<void> => {
    const chance = createChance(seed, stepsPerRun)
    for (let step = 0; step < stepsPerRun / 4; step++) {
      const [operation, row] = chance.pick(peaceful)
      const asked = requestOf(operation, row, 'here', world.ids)
      const { status, text } = await ask(world, victim, asked)
      if (status >= 400) problems.push(`the victim's ${show(asked)}: ${status} ${text}`)
    }
  }
  await Promise.all([caller.run(hostileCluster, attack), caller.run(victimCluster, work)])
  await world.tenants.idle()
  problems.push(...world.failures.map(String))
  return { problems, answers, touched }
}

/** Its own, and of the deployment what says who calls and which clusters there are. */
const ofDeployment = /^deployment(\/(clusters|organizations|providers|key\/[A-Z2-7]{16}))?$/

export function isOwn({ kind, name }: Touched, clusterId: string): boolean {
  return name.startsWith(`${clusterId}/`) || (kind === 'table' && ofDeployment.test(name))
}

const rows = Object.entries(rightsTable)
const everyRight = [...new Set(rows.flatMap(([, { needs }]) => needs.flat()))]

/** What leaves everything as it is, or adds to it. */
const peaceful = rows.filter(
  ([operation, { caller }]) =>
    caller === 'known' && (/^GET/.test(operation) || /records(:batch)?$|offsets:commit$/.test(operation)),
)

const show = ({ method, path, body }: Asked): string =>
  `${method} ${path} ${JSON.stringify(body)?.slice(0, 300)}`
