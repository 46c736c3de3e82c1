// The one spelling of an IP address, as a connection shows it: IPv6 has many, and an IPv4 address inside one is the
// IPv4 address. What belongs to one machine alone, the zone behind a %, is left out.

import { isIP, SocketAddress } from 'node:net'

/** undefined: it is none. */
export function canonicalAddress(text: string): string | undefined {
  const version = isIP(text)
  if (version === 0) return undefined
  // With a zero in front it would be none.
  if (version === 4) return text
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  // A socket that takes both kinds shows an IPv4 address so.
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}
