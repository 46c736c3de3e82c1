// How the keys of issuers are fetched: one GET without redirects, of bounded time and size, to an address that is
// public. The address is looked at where the connection is made, so that a name cannot resolve to two things.

import { type LookupAddress, lookup } from 'node:dns'
import { get as getHttp, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'
import { BlockList, isIPv4, type LookupFunction } from 'node:net'
import type { IssuerNetwork } from '../security/issuerUrl.ts'

const answerMsMax = 5000
const answerBytesMax = 256 * 1024

export function createIssuerNetwork(loopback: boolean): IssuerNetwork {
  return { loopback, getJson: (url) => getJson(url, loopback) }
}

async function getJson(url: string, loopback: boolean): Promise<unknown> {
  const response = await ask(new URL(url), loopback)
  if (response.statusCode !== 200) {
    response.destroy()
    throw new Error(`${url} answered with ${response.statusCode}`)
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    bytes += chunk.length
    if (bytes > answerBytesMax) throw new Error(`${url} answers with more than ${answerBytesMax} bytes`)
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString())
}

function ask(url: URL, loopback: boolean): Promise<IncomingMessage> {
  const options = {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(answerMsMax),
    agent: false,
    ...(loopback ? {} : { lookup: lookupPublic }),
  }
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? getHttps : getHttp
    get(url, options, resolve).on('error', reject)
  })
}

const lookupPublic: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, [])
    const open = addresses.filter(isPublic)
    const [first] = open
    if (first === undefined) return callback(new Error(`${host} has no public address`), [])
    return options.all ? callback(null, open) : callback(null, first.address, first.family)
  })
}

export const isPublic = ({ address }: Pick<LookupAddress, 'address'>): boolean =>
  !closed.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')

/** What IANA's registries of special addresses call not globally reachable. */
const closedSubnets = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24'],
  ...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32'],
  ...['2002::/16', 'fc00::/7', 'fe80::/10', 'ff00::/8'],
]

const closed = new BlockList()
for (const subnet of closedSubnets) {
  const [address = '', bits = ''] = subnet.split('/')
  closed.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6')
}
