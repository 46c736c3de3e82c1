// From the subject of a client certificate to a principal's name: Kafka's ssl.principal.mapping.rules. Rules are tried
// in their order: `RULE:pattern/replacement/` with L or U for lower or upper case, and DEFAULT, which takes the subject
// as it is. A pattern has to match all of the subject. Refuses rules that it cannot read, and says which. Pure.

import { RE2JS } from 're2js'

/** undefined: no rule takes it. */
export type MapSubject = (subject: string) => string | undefined

const rule = /\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))\s*(,|$)/y

export function parsePrincipalMapping(rules: string): MapSubject {
  const maps: MapSubject[] = []
  for (let at = 0; ; ) {
    rule.lastIndex = at
    const match = rule.exec(rules)
    if (match === null) throw unreadable(rules.slice(at))
    const [, isDefault, pattern = '', replacement = '', letters = '', separator] = match
    maps.push(isDefault === undefined ? createRule(pattern, replacement, letters) : (subject) => subject)
    if (separator === '') return (subject) => firstOf(maps, subject)
    at = rule.lastIndex
  }
}

function firstOf(maps: readonly MapSubject[], subject: string): string | undefined {
  for (const map of maps) {
    const name = map(subject)
    if (name !== undefined) return name
  }
  return undefined
}

/** RE2: the time that a subject takes is in proportion to its length, whatever the pattern. */
function createRule(pattern: string, replacement: string, letters: string): MapSubject {
  const compiled = compile(pattern)
  return (subject) => {
    const matcher = compiled.matcher(subject)
    if (!matcher.matches()) return undefined
    const name = matcher.replaceFirst(replacement)
    if (letters === 'L') return name.toLowerCase()
    return letters === 'U' ? name.toUpperCase() : name
  }
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (cause) {
    throw unreadable(pattern, cause)
  }
}

const unreadable = (where: string, cause?: unknown): Error =>
  new Error(
    `a rule for principals cannot be read at ${JSON.stringify(where)}: it takes ` +
      'RULE:pattern/replacement/[LU] and DEFAULT',
    { cause },
  )
