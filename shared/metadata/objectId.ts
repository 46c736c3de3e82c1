// Ids of what is written once: 16 bytes as 32 hex digits, 6 bytes of time and 10 of chance, so that names sort by age
// (the collector looks only at old ones) and are never used twice.

import type { Clock, Random } from '../ports/world.ts'

export function newObjectId(clock: Clock, random: Random): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(clock.now(), 0, 6)
  bytes.set(random.bytes(10), 6)
  return bytes.toString('hex')
}

/** Kafka's topic id: 16 bytes in 22 characters of base64url. */
export const newTopicId = (random: Random): string => Buffer.from(random.bytes(16)).toString('base64url')

/** When an object was named, by its writer's clock. */
export const objectTimeMs = (objectId: string): number => Number.parseInt(objectId.slice(0, 12), 16)
