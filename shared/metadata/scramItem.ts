// A SCRAM credential of a user. Attributes (names are stored): user, salt, stored, server (bytes), iterations. The
// mechanism is in the key.

import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

export interface ScramItem {
  readonly user: string
  readonly mechanism: string
  readonly salt: Uint8Array
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
  readonly iterations: number
}

export const scramAttributes = (item: Omit<ScramItem, 'mechanism'>): Attributes => ({
  user: item.user,
  salt: item.salt,
  stored: item.storedKey,
  server: item.serverKey,
  iterations: item.iterations,
})

export function parseScramItem({ key, attributes }: Item): ScramItem {
  const { user, salt, stored, server, iterations } = attributes
  invariant(
    typeof user === 'string' && typeof iterations === 'number',
    'a SCRAM item has a user and iterations',
  )
  invariant(salt instanceof Uint8Array, 'a SCRAM item has a salt')
  invariant(stored instanceof Uint8Array && server instanceof Uint8Array, 'a SCRAM item has its keys')
  const [mechanism = ''] = key.sk.split('/')
  return { user, mechanism, salt, storedKey: stored, serverKey: server, iterations }
}
