// What a request says of its caller in `Authorization`: RFC 7617's Basic and RFC 6750's Bearer, strictly. Refuses what
// is malformed and never repeats any of it.

import { KafkaError } from '../base/errors.ts'

export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | {
      readonly kind: 'bearer'
      readonly token: string
      /** Which identity pool the caller means, where it says so. */
      readonly poolId?: string
    }
  /** Of a certificate that the gateway has verified. */
  | { readonly kind: 'certificate'; readonly subject: string }

/** A JWT with many claims fits; a flood does not. */
const headerLengthMax = 8192

const subjectLengthMax = 2048

/**
 * `certificateHeader`: in which the gateway says the subject of a client's certificate; undefined: there is no such
 * gateway, and nobody's word is taken for it. Error: UNAUTHENTICATED.
 */
export function parseCredentials(
  headers: Pick<Headers, 'get'>,
  certificateHeader: string | undefined,
): Credentials {
  const credentials = parseAuthorization(headers.get('authorization'))
  if (credentials.kind === 'bearer') {
    const poolId = headers.get('confluent-identity-pool-id')
    return poolId === null ? credentials : { ...credentials, poolId }
  }
  const subject = certificateHeader === undefined ? null : headers.get(certificateHeader)
  if (credentials.kind !== 'none' || subject === null || subject === '') return credentials
  if (subject.length <= subjectLengthMax && !hasControl(subject)) return { kind: 'certificate', subject }
  throw new KafkaError('UNAUTHENTICATED', 'The subject of the client certificate is malformed.')
}

/** Error: UNAUTHENTICATED. */
export function parseAuthorization(header: string | null): Credentials {
  if (header === null) return { kind: 'none' }
  if (header.length > headerLengthMax) throw refused(`is longer than ${headerLengthMax} bytes`)
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +([\w.~+/-]+=*)$/.exec(header) ?? []
  switch (scheme.toLowerCase()) {
    case 'basic':
      return parseBasic(value)
    case 'bearer':
      return { kind: 'bearer', token: value }
    default:
      throw refused('must be Basic or Bearer with one value')
  }
}

function parseBasic(value: string): Credentials {
  const bytes = Buffer.from(value, 'base64')
  const sameText = bytes.toString('base64').replace(/=+$/, '') === value.replace(/=+$/, '')
  if (!sameText) throw refused('is not the base64 of a name and a password')
  const text = decodeUtf8(bytes)
  const colon = text.indexOf(':')
  if (colon < 0 || hasControl(text)) throw refused('is not the base64 of a name and a password')
  return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw refused('is not UTF-8')
  }
}

const hasControl = (text: string): boolean => /\p{Cc}/u.test(text)

const refused = (reason: string): KafkaError =>
  new KafkaError('UNAUTHENTICATED', `The Authorization header ${reason}.`)
