// The kinds of config values: how a text is read and how Kafka would write the same value again. Numbers and
// booleans are rewritten to one form ("+07" is "7", "TRUE" is "true"), so that equal values are equal texts.
// A text that is none of the kind, or out of its bounds, is refused by returning undefined.

export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'LONG' | 'DOUBLE' | 'LIST'

export interface ValueRule {
  readonly type: ConfigType
  /** Ends the sentence "expected …". */
  readonly expected: string
  /** The one form of the value, or undefined where the text is not allowed. */
  canonical(text: string): string | undefined
}

const longMax = 2n ** 63n - 1n
const longMin = -longMax - 1n
const intMax = 2n ** 31n - 1n

export const boolean: ValueRule = {
  type: 'BOOLEAN',
  expected: 'true or false',
  canonical: (text) => ['true', 'false'].find((value) => value === text.toLowerCase()),
}

export function int(min: bigint, max = intMax): ValueRule {
  return integer('INT', min, max)
}

export function long(min = longMin): ValueRule {
  return integer('LONG', min, longMax)
}

export const gzipLevel: ValueRule = {
  type: 'INT',
  expected: 'an integer from 1 to 9, or -1 for the default of gzip',
  canonical(text) {
    const level = int(-1n, 9n).canonical(text)
    return level === '0' ? undefined : level
  },
}

/** A number from 0 to 1. */
export const ratio: ValueRule = {
  type: 'DOUBLE',
  expected: 'a number from 0 to 1',
  canonical(text) {
    if (text.length > 64 || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined
    const value = Number(text)
    return value >= 0 && value <= 1 ? renderDouble(value) : undefined
  },
}

export function oneOf(values: readonly string[]): ValueRule {
  return {
    type: 'STRING',
    expected: `one of ${values.join(', ')}`,
    canonical: (text) => values.find((value) => value === text),
  }
}

export function listOf(values: readonly string[]): ValueRule {
  return list(`none, one or several of ${values.join(', ')}, each once`, (element) =>
    values.includes(element),
  )
}

const replicasExpected = '* for every replica, or distinct pairs of partition:broker such as 0:1,1:1'

const pairs = list(replicasExpected, (element) => /^\d{1,10}:\d{1,10}$/.test(element))

export const throttledReplicas: ValueRule = {
  type: 'LIST',
  expected: replicasExpected,
  canonical: (text) => (text === '*' ? text : pairs.canonical(text)),
}

/** The elements of a LIST value; the empty text has none. */
export function splitList(text: string): string[] {
  return text === '' ? [] : text.split(',').map((element) => element.trim())
}

function list(expected: string, isElement: (element: string) => boolean): ValueRule {
  return {
    type: 'LIST',
    expected,
    canonical(text) {
      const elements = splitList(text)
      const distinct = new Set(elements).size === elements.length
      return distinct && elements.every(isElement) ? elements.join(',') : undefined
    },
  }
}

function integer(type: 'INT' | 'LONG', min: bigint, max: bigint): ValueRule {
  return {
    type,
    expected: `an integer from ${min} to ${max}`,
    canonical(text) {
      // The bound on digits comes first: the time to read a BigInt grows with the square of its length.
      if (text.length > 64 || !/^[+-]?\d+$/.test(text)) return undefined
      const value = BigInt(text.replace('+', ''))
      return value >= min && value <= max ? String(value) : undefined
    },
  }
}

// As Java writes a double between 0 and 1: always a fraction, and below a thousandth an exponent.
function renderDouble(value: number): string {
  if (value === 0) return '0.0'
  if (value >= 0.001) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent}`
}
