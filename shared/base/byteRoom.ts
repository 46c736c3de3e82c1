// Room for bytes that the tenants of a process share. A tenant may hold as much as it leaves free: one that takes all
// it gets leaves half, two of them a quarter, and whoever comes with half of what is left finds room at once.
// Who waits enters in the order of the calls within a tenant, and tenants take turns. One that holds nothing and waits
// all the same waits for the others. It is passed by no more bytes than it asks for, and these do not count against it:
// it enters as soon as enough of those have gone that were there before.

export interface ByteRoom {
  /**
   * A place of `bytes`, at most of the whole room: at once, or when it is the caller's turn.
   * `tenant` undefined: the room is the caller's alone, and it may take all of it.
   */
  acquire(tenant: string | undefined, bytes: number): Place | Promise<Place>
  /** The same for whoever cannot wait: of no bytes where it is not the caller's turn. */
  acquireNow(tenant: string | undefined, bytes: number): Place
  /** Gives back what goes beyond `bytes`; what the place lacks is taken without asking, because it is there already. */
  resize(place: Place, bytes: number): void
}

export interface Place {
  readonly share: Share
  readonly turn: number
  bytes: number
}

interface Share {
  readonly tenant: string | undefined
  readonly waiting: { readonly bytes: number; readonly enter: (place: Place) => void }[]
  held: number
}

interface Room {
  readonly bytesMax: number
  free: number
  /** Holds nothing and waits for the others. */
  first: Share | undefined
  /** What entered since `first` waits and is still there, told by the number of the turn. */
  passing: number
  turn: number
}

/** Shares are kept, so that a request of a tenant that was here before makes nothing but its place. */
const sharesKept = 1000

export function createByteRoom(bytesMax: number): ByteRoom {
  const room: Room = { bytesMax, free: bytesMax, first: undefined, passing: 0, turn: 0 }
  const shares = new Map<string | undefined, Share>()
  /** Those with somebody who waits, in turn. */
  const queue = new Set<Share>()

  const shareOf = (tenant: string | undefined): Share => {
    const known = shares.get(tenant)
    if (known !== undefined) return known
    const share: Share = { tenant, waiting: [], held: 0 }
    shares.set(tenant, share)
    return share
  }

  const admit = (): void => {
    for (const share of queue) {
      const [next] = share.waiting
      if (next === undefined) continue
      if (mayEnter(room, share, next.bytes)) {
        const wasFirst = share === room.first
        next.enter(enter(room, share, next.bytes))
        share.waiting.shift()
        queue.delete(share)
        if (share.waiting.length > 0) queue.add(share)
        // Those before it in the queue may have waited for it alone.
        if (wasFirst) {
          admit()
          return
        }
      } else if (share.held === 0 && room.first === undefined) {
        room.first = share
        room.turn++
      }
    }
  }

  return {
    acquire(tenant, asked) {
      const bytes = Math.min(asked, bytesMax)
      const share = shareOf(tenant)
      const atOnce = enterNow(room, share, bytes)
      if (atOnce) return atOnce
      const entered = Promise.withResolvers<Place>()
      share.waiting.push({ bytes, enter: entered.resolve })
      queue.add(share)
      admit()
      return entered.promise
    },
    acquireNow(tenant, bytes) {
      const share = shareOf(tenant)
      return enterNow(room, share, bytes) ?? { share, turn: room.turn, bytes: 0 }
    },
    resize(place, bytes) {
      const { share } = place
      leave(room, place, place.bytes - bytes)
      if (queue.size > 0) admit()
      if (shares.size > sharesKept && isIdle(share)) shares.delete(share.tenant)
    },
  }
}

function enterNow(room: Room, share: Share, bytes: number): Place | undefined {
  const isItsTurn = share.waiting.length === 0 && mayEnter(room, share, bytes)
  return isItsTurn ? enter(room, share, bytes) : undefined
}

function mayEnter(room: Room, share: Share, bytes: number): boolean {
  const { free, first, passing } = room
  if (share.tenant === undefined) return bytes <= free
  if (share === first) return bytes <= free && leavesEnough(room, 0, bytes, free + passing)
  if (first !== undefined && passing + bytes > passingMax(room, first)) return false
  return leavesEnough(room, share.held, bytes, free)
}

const isIdle = ({ held, waiting }: Share): boolean => held === 0 && waiting.length === 0

/** Whoever wants most of the room enters when nobody else is there. */
const leavesEnough = ({ bytesMax }: Room, held: number, bytes: number, left: number): boolean =>
  left === bytesMax || held + bytes <= left - bytes

/** So much that `first` still fits beside it. */
function passingMax({ bytesMax }: Room, { waiting: [next] }: Share): number {
  const bytes = next?.bytes ?? 0
  return Math.min(bytes, bytesMax - bytes)
}

function enter(room: Room, share: Share, bytes: number): Place {
  if (share === room.first) {
    room.first = undefined
    room.passing = 0
  } else if (room.first !== undefined) room.passing += bytes
  room.free -= bytes
  share.held += bytes
  return { share, turn: room.turn, bytes }
}

function leave(room: Room, place: Place, bytes: number): void {
  place.bytes -= bytes
  place.share.held -= bytes
  room.free += bytes
  if (room.first !== undefined && place.turn === room.turn) room.passing -= bytes
}
