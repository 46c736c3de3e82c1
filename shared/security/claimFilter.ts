// Which tokens an identity pool takes: the part of CEL that Confluent's examples use. Comparisons joined by `&&`, each
// `claims.a == "b"`, `claims.a != "b"` or `"b" in claims.a`; `true` takes every token. A claim that is missing compares
// with nothing, not even by `!=`. Refuses everything else, and says where.

import { KafkaError } from '../base/errors.ts'

export type Claims = Readonly<Record<string, unknown>>

const path = 'claims(?:\\.[A-Za-z_]\\w*)+'
const text = '"((?:[^"\\\\]|\\\\["\\\\])*)"'
const comparison = new RegExp(`\\s*(?:(${path})\\s*(==|!=)\\s*${text}|${text}\\s+in\\s+(${path}))\\s*`, 'y')
const filterLengthMax = 1000

/** Error: BAD_REQUEST. */
export function parseClaimFilter(filter: string): (claims: Claims) => boolean {
  if (filter.length > filterLengthMax) throw refused(`is longer than ${filterLengthMax} characters`)
  if (filter.trim() === 'true') return () => true
  const conditions: ((claims: Claims) => boolean)[] = []
  for (let at = 0; ; ) {
    comparison.lastIndex = at
    const match = comparison.exec(filter)
    if (match === null) throw refused(`cannot be read from character ${at + 1} on`)
    conditions.push(conditionOf(match))
    at = comparison.lastIndex
    if (at === filter.length) return (claims) => conditions.every((condition) => condition(claims))
    if (!filter.startsWith('&&', at)) throw refused(`expects && at character ${at + 1}`)
    at += 2
  }
}

const identityClaim = new RegExp(`^${path}$`)

/** Error: BAD_REQUEST. */
export function checkIdentityClaim(claim: string): void {
  if (identityClaim.test(claim) && claim.length <= 256) return
  throw new KafkaError('BAD_REQUEST', 'identity_claim must name a claim, such as claims.sub.')
}

/** Of `claims.a.b`; undefined where it is not there. */
export function claimAt(claims: Claims, claim: string): unknown {
  const [, ...names] = claim.split('.')
  let value: unknown = claims
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Object.entries(value).find(([key]) => key === name)?.[1]
  }
  return value
}

function conditionOf([, left, operator, compared, member, list]: RegExpExecArray) {
  if (left !== undefined) {
    const expected = unquote(compared)
    return (claims: Claims): boolean => {
      const value = claimAt(claims, left)
      return value !== undefined && (operator === '==') === (value === expected)
    }
  }
  const expected = unquote(member)
  return (claims: Claims): boolean => {
    const values = claimAt(claims, list ?? '')
    return Array.isArray(values) && values.includes(expected)
  }
}

const unquote = (quoted = ''): string => quoted.replace(/\\(["\\])/g, '$1')

const refused = (why: string): KafkaError =>
  new KafkaError(
    'BAD_REQUEST',
    `filter ${why}: it takes comparisons such as claims.group == "a" or "a" in claims.groups, joined by &&.`,
  )
