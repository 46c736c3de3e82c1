// Offsets of the group, asked and told as a member: who asks for committed offsets takes the partitions over, and who
// is no owner any more cannot commit.

import { codes, isRefusal, MillraceError } from './errors.ts'
import { type PlaceWire, placeOf, placeWire } from './groupWire.ts'
import type { Member } from './member.ts'
import { isOut, type Membership } from './membership.ts'
import { retried } from './retry.ts'
import { keyOf, type TopicPartition, without } from './topicPartition.ts'
import type { Transport } from './transport.ts'
import type { World } from './world.ts'

export interface OffsetToCommit extends TopicPartition {
  /** Of the next record to read. */
  readonly offset: number
  readonly metadata?: string
}

export interface OffsetOutcome extends TopicPartition {
  readonly error: MillraceError | undefined
}

export interface GroupOffsets {
  /** By `keyOf`; those without a commit are left out. */
  committed(partitions: readonly TopicPartition[], stop: AbortSignal): Promise<ReadonlyMap<string, number>>
  commit(offsets: readonly OffsetToCommit[]): Promise<readonly OffsetOutcome[]>
}

interface CommittedWire extends PlaceWire {
  readonly offset: number
}

interface OutcomeWire extends PlaceWire {
  readonly error_code: number | null
  readonly error_message: string | null
}

interface Offsets<T> {
  readonly offsets: readonly T[]
}

const commitTimeoutMs = 60_000

export function createGroupOffsets(
  { transport, world, path }: { readonly transport: Transport; readonly world: World; readonly path: string },
  member: Pick<Member, 'state' | 'beat'>,
): GroupOffsets {
  const once = <T>(verb: string, fields: object, stop?: AbortSignal): Promise<Offsets<T>> => {
    const { memberId, epoch } = member.state()
    if (epoch === 0) throw notIn()
    const body = JSON.stringify({ member_id: memberId, member_epoch: epoch, ...fields })
    const call = { method: 'POST', path: `${path}/offsets:${verb}`, body, signal: stop } as const
    const timeoutMs = stop === undefined ? commitTimeoutMs : Number.POSITIVE_INFINITY
    return retried({ world, timeoutMs, signal: stop }, () => transport.json(call))
  }

  /** The member's epoch may have moved on: once more with the one that a heartbeat brings, but in no later life. */
  const isAnotherEpoch = async (error: unknown, { epoch, generation }: Membership): Promise<boolean> => {
    if (!isOut(error) && !isRefusal(error, codes.staleMemberEpoch)) return false
    await member.beat()
    return member.state().generation === generation && member.state().epoch !== epoch
  }

  const asMember = async <T>(verb: string, fields: object, stop?: AbortSignal): Promise<Offsets<T>> => {
    for (;;) {
      const state = member.state()
      try {
        return await once(verb, fields, stop)
      } catch (error) {
        if (!(await isAnotherEpoch(error, state))) throw error
      }
    }
  }

  return {
    async committed(partitions, stop) {
      if (partitions.length === 0) return new Map()
      const fields = { partitions: partitions.map(placeWire) }
      const { offsets } = await asMember<CommittedWire>('fetch', fields, stop)
      return new Map(offsets.map((wire) => [keyOf(placeOf(wire)), wire.offset]))
    },
    async commit(wanted) {
      // What was lost may be somebody else's, and further on: an old offset would take it back.
      if (without(wanted, member.state().owned).length > 0) throw notIn()
      const offsets = wanted.map(({ offset, metadata, ...place }) => ({
        ...placeWire(place),
        offset,
        metadata,
      }))
      const outcomes = await asMember<OutcomeWire>('commit', { offsets })
      return outcomes.offsets.map((wire) => ({ ...placeOf(wire), error: errorOf(wire) }))
    },
  }
}

const notIn = (): MillraceError =>
  new MillraceError('the consumer does not own the partitions at the moment', {
    status: 0,
    errorCode: codes.unknownMember,
    retriable: false,
  })

function errorOf({ error_code: errorCode, error_message: message }: OutcomeWire): MillraceError | undefined {
  if (errorCode === null) return undefined
  const status = errorCode > 999 ? Math.floor(errorCode / 100) : errorCode
  return new MillraceError(message ?? '', { status, errorCode, retriable: status >= 500 })
}
