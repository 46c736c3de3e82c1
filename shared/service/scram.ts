// Kafka's DescribeUserScramCredentials and AlterUserScramCredentials of one cluster. A password that comes is salted
// and hashed here and goes no further; who salts it himself need not send it. Each user is answered for itself.

import { KafkaError } from '../base/errors.ts'
import type { LogDeps } from '../log/deps.ts'
import { checkScram, type ScramMechanism, saltPassword, scramCredential } from '../security/scram.ts'
import {
  createScramStore,
  type ScramAlteration,
  type ScramDescription,
  type ScramOutcome,
} from '../security/scramStore.ts'

export type ScramUpsertion = {
  readonly user: string
  readonly mechanism: ScramMechanism
  readonly iterations: number
} & ({ readonly password: string } | { readonly salt: Uint8Array; readonly saltedPassword: Uint8Array })

export interface ScramDeletion {
  readonly user: string
  readonly mechanism: ScramMechanism
}

export interface Scram {
  /** By mechanism and user; nothing of a password. */
  describe(): Promise<readonly ScramDescription[]>
  /**
   * One outcome a user. Errors: UNACCEPTABLE_CREDENTIAL, RESOURCE_NOT_FOUND, DUPLICATE_RESOURCE, POLICY_VIOLATION,
   * INVALID_REQUEST.
   */
  alter(
    upsertions: readonly ScramUpsertion[],
    deletions: readonly ScramDeletion[],
  ): Promise<readonly ScramOutcome[]>
}

const saltBytes = 16

export function createScram(deps: Pick<LogDeps, 'table' | 'clock' | 'random' | 'scope'>): Scram {
  const store = createScramStore(deps)

  const credentialOf = async (wanted: ScramUpsertion) => {
    const { mechanism, iterations } = wanted
    const salt = 'salt' in wanted ? wanted.salt : deps.random.bytes(saltBytes)
    checkScram(iterations, salt)
    const salted =
      'salt' in wanted
        ? wanted.saltedPassword
        : await saltPassword(mechanism, wanted.password, salt, iterations)
    return scramCredential(mechanism, salted, salt, iterations)
  }

  return {
    describe: store.describe,
    async alter(upsertions, deletions) {
      const refused = new Map<string, KafkaError>()
      const alterations: ScramAlteration[] = []
      for (const wanted of upsertions) {
        const { user, mechanism } = wanted
        try {
          alterations.push({ user, mechanism, credential: await credentialOf(wanted) })
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error
          refused.set(user, error)
        }
      }
      alterations.push(...deletions.map((deletion) => ({ ...deletion, credential: undefined })))
      const outcomes = await store.alter(alterations.filter(({ user }) => !refused.has(user)))
      return [...Array.from(refused, ([user, error]) => ({ user, error })), ...outcomes]
    },
  }
}
