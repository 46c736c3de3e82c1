// Room for what one produce stream keeps of records that are not appended and reported yet, in the room for bodies.
// It is taken for what has come, so an idle stream holds none. A stream waits for it only with whole records behind,
// which are appended and give theirs back whoever waits; for an unfinished record that grows large it takes at once
// what a record may have. So no two wait for each other.

import type { ByteRoom, Place } from '../../base/byteRoom.ts'

export interface StreamRoom {
  /** Resolves when a record of so much may be kept; the unfinished one has its room already. */
  take(bytes: number): Promise<void> | undefined
  /** Told the bytes kept of an unfinished record; resolves when more of them may be kept. */
  hold(bytes: number): Promise<void> | undefined
  /** Records of so much are appended and reported. */
  giveBack(bytes: number): void
  /** All comes back, and nothing is taken any more. */
  leave(): void
}

/** So much of whole records, and of an unfinished one, is kept without asking; a connection has that much anyhow. */
const freeBytes = 64 * 1024
/** Small records ask for room together. */
const stepBytes = 64 * 1024

export function createStreamRoom(
  room: ByteRoom,
  tenant: string | undefined,
  recordBytesMax: number,
): StreamRoom {
  const whole = createPlaces(room)
  let kept = 0
  let unfinished: Place | undefined
  let isOver = false

  // Room that is there is taken without a turn of waiting, in which the append would go on without these records.
  const enter = (bytes: number, add: (place: Place) => void): Promise<void> | undefined => {
    const entered = room.acquire(tenant, bytes)
    if (!(entered instanceof Promise)) return void add(entered)
    return entered.then((place) => (isOver ? room.resize(place, 0) : add(place)))
  }
  const drop = (): void => {
    if (unfinished !== undefined) room.resize(unfinished, 0)
    unfinished = undefined
  }

  return {
    take(bytes) {
      if (isOver) return undefined
      const isThere = unfinished !== undefined || kept + bytes <= freeBytes + whole.bytes()
      if (!isThere) {
        // While it waits it holds nothing for what it waits with.
        return enter(Math.max(bytes, stepBytes), (place) => {
          kept += bytes
          whole.add(place)
        })
      }
      if (unfinished !== undefined) whole.add(unfinished)
      unfinished = undefined
      kept += bytes
      whole.shrink(kept - freeBytes)
      return undefined
    },
    hold(bytes) {
      if (bytes === 0) drop()
      if (bytes <= freeBytes || unfinished !== undefined || isOver) return undefined
      return enter(recordBytesMax, (place) => {
        unfinished = place
      })
    },
    giveBack(bytes) {
      if (isOver) return
      kept -= bytes
      whole.shrink(kept - freeBytes)
    },
    leave() {
      isOver = true
      whole.shrink(0)
      drop()
    },
  }
}

/** Of whole records, whichever of them it was taken for. */
function createPlaces(room: ByteRoom) {
  const places: Place[] = []
  let taken = 0
  return {
    bytes: () => taken,
    add(place: Place): void {
      places.push(place)
      taken += place.bytes
    },
    /** Gives back what goes beyond. */
    shrink(bytes: number): void {
      for (let last = places.at(-1); last !== undefined && taken > bytes; last = places.at(-1)) {
        const left = Math.max(0, last.bytes - (taken - bytes))
        taken -= last.bytes - left
        room.resize(last, left)
        if (left === 0) places.pop()
      }
    },
  }
}
