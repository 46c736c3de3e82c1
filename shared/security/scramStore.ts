// The SCRAM credentials of a cluster's users: changed as Kafka's AlterUserScramCredentials does it, each user's changes
// together and each user for itself; described without anything that helps to guess a password.

import { KafkaError } from '../base/errors.ts'
import type { Scope } from '../metadata/scope.ts'
import { parseScramItem, type ScramItem, scramAttributes } from '../metadata/scramItem.ts'
import { queryAll } from '../ports/queryAll.ts'
import { retryRepeatableWrite } from '../ports/retry.ts'
import type { Table, TransactWrite } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { type ScramCredential, type ScramMechanism, scramMechanisms } from './scram.ts'

export interface ScramStoreDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Scope
}

export interface ScramDescription {
  readonly user: string
  readonly mechanism: ScramMechanism
  readonly iterations: number
}

/** `credential` undefined: it is to go. */
export interface ScramAlteration {
  readonly user: string
  readonly mechanism: ScramMechanism
  readonly credential: ScramCredential | undefined
}

export interface ScramOutcome {
  readonly user: string
  readonly error: KafkaError | undefined
}

export interface ScramStore {
  /** By mechanism and user. */
  describe(): Promise<readonly ScramDescription[]>
  /** One outcome a user. Errors: RESOURCE_NOT_FOUND, DUPLICATE_RESOURCE, POLICY_VIOLATION, INVALID_REQUEST. */
  alter(alterations: readonly ScramAlteration[]): Promise<readonly ScramOutcome[]>
}

const credentialsMax = 2000
const userLengthMax = 255

export function createScramStore(deps: ScramStoreDeps): ScramStore {
  const list = () => readAll(deps)
  return {
    async describe() {
      return (await list()).flatMap(({ user, mechanism: stored, iterations }) => {
        const mechanism = scramMechanisms.find((one) => one === stored)
        return mechanism === undefined ? [] : [{ user, mechanism, iterations }]
      })
    },
    async alter(alterations) {
      const there = new Set((await list()).map(nameOf))
      const users = Map.groupBy(alterations, ({ user }) => user)
      const outcomes: ScramOutcome[] = []
      for (const [user, changes] of users) {
        const error = problemOf(changes, there)
        if (error === undefined) await write(deps, changes)
        for (const change of error === undefined ? changes : []) {
          if (change.credential === undefined) there.delete(nameOf(change))
          else there.add(nameOf(change))
        }
        outcomes.push({ user, error })
      }
      return outcomes
    },
  }
}

const nameOf = ({ user, mechanism }: { readonly user: string; readonly mechanism: string }): string =>
  `${mechanism}/${user}`

function problemOf(changes: readonly ScramAlteration[], there: ReadonlySet<string>): KafkaError | undefined {
  const user = changes[0]?.user ?? ''
  if (user === '' || user.length > userLengthMax || /\p{Cc}/u.test(user)) {
    return new KafkaError(
      'INVALID_REQUEST',
      `A user's name has 1 to ${userLengthMax} characters, none of control.`,
    )
  }
  if (new Set(changes.map(nameOf)).size < changes.length) {
    return new KafkaError(
      'DUPLICATE_RESOURCE',
      'A user’s credential of one mechanism can be changed once in a request.',
    )
  }
  if (changes.some((change) => change.credential === undefined && !there.has(nameOf(change)))) {
    return new KafkaError('RESOURCE_NOT_FOUND', 'Attempt to delete a user credential that does not exist.')
  }
  const added = changes.filter((change) => change.credential !== undefined && !there.has(nameOf(change)))
  if (there.size + added.length <= credentialsMax) return undefined
  return new KafkaError('POLICY_VIOLATION', `A cluster has at most ${credentialsMax} SCRAM credentials.`)
}

async function write({ table, scope, ...deps }: ScramStoreDeps, changes: readonly ScramAlteration[]) {
  const writes = changes.map(({ user, mechanism, credential }): TransactWrite => {
    const key = scope.scram(mechanism, user)
    if (credential === undefined) return { kind: 'delete', key }
    return { kind: 'put', key, attributes: scramAttributes({ user, ...credential }) }
  })
  await retryRepeatableWrite(deps, () => table.transact(writes))
}

const readAll = async (deps: ScramStoreDeps): Promise<readonly ScramItem[]> =>
  (await queryAll(deps, { pk: deps.scope.scramPk })).map(parseScramItem)
