// An issuer of tokens on this machine: publishes its keys as OpenID Connect Discovery wants it, counts who asks, and
// signs whatever a test says.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

export async function newSigningKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  return { kid, ...(await generateKeyPair(alg, { extractable: true })) }
}

export async function startIssuer(t: TestContext) {
  const published: SigningKey[] = []
  const asked = { discovery: 0, keys: 0 }
  /** What it answers with instead, by path. */
  const instead = new Map<string, { readonly status: number; readonly body: string }>()
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    if (path === '/keys') asked.keys++
    else asked.discovery++
    const keys = published.map(async ({ kid, publicKey }) => ({
      ...(await exportJWK(publicKey)),
      kid,
      use: 'sig',
    }))
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys: await Promise.all(keys) },
    }
    const { status, body } = instead.get(path) ?? { status: 200, body: JSON.stringify(documents[path]) }
    response.writeHead(status, { 'content-type': 'application/json', location: '/keys' }).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    asked,
    instead,
    /** Takes the place of all that were published before. */
    publish: (...keys: readonly SigningKey[]) => {
      published.splice(0, published.length, ...keys)
    },
    sign: (key: SigningKey, claims: JWTPayload, alg = 'ES256') =>
      new SignJWT(claims).setProtectedHeader({ alg, kid: key.kid, typ: 'at+jwt' }).sign(key.privateKey),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
