// Attributes as DynamoDB's AttributeValues and back: S, N, B and L of these. Refuses whatever else is stored,
// and numbers that are no safe integers: no write of ours stores them.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { invariant } from '../../base/errors.ts'
import type { Attribute, Attributes, Item, ItemKey, Scalar } from '../../ports/table.ts'
import { isList } from '../limits.ts'

export type AttributeValues = Record<string, AttributeValue>

export const toAttributeValue = (value: Attribute): AttributeValue =>
  isList(value) ? { L: value.map(scalarToAttributeValue) } : scalarToAttributeValue(value)

export const toKey = ({ pk, sk }: ItemKey): AttributeValues => ({ pk: { S: pk }, sk: { S: sk } })

export const toItem = (key: ItemKey, attributes: Attributes): AttributeValues => {
  const item = toKey(key)
  for (const [name, value] of Object.entries(attributes)) item[name] = toAttributeValue(value)
  return item
}

export const fromItem = (values: AttributeValues): Item => {
  const { pk, sk, ...rest } = values
  return { key: { pk: textOf('pk', pk), sk: textOf('sk', sk) }, attributes: fromAttributes(rest) }
}

export const fromAttributes = (values: AttributeValues): Attributes => {
  const attributes: Record<string, Attribute> = {}
  for (const [name, value] of Object.entries(values)) {
    attributes[name] = value.L === undefined ? fromScalar(name, value) : listFrom(name, value.L)
  }
  return attributes
}

const scalarToAttributeValue = (value: Scalar): AttributeValue => {
  if (typeof value === 'string') return { S: value }
  if (typeof value === 'number') return { N: String(value) }
  return { B: value }
}

const listFrom = (name: string, values: readonly AttributeValue[]): readonly Scalar[] =>
  values.map((value) => fromScalar(name, value))

const fromScalar = (name: string, value: AttributeValue): Scalar => {
  if (value.S !== undefined) return value.S
  if (value.B !== undefined) return value.B
  const number = Number(value.N)
  invariant(Number.isSafeInteger(number), `the attribute ${name} is a string, bytes or a safe integer`)
  return number
}

const textOf = (name: string, value: AttributeValue | undefined): string => {
  invariant(value?.S !== undefined, `the key attribute ${name} is a string`)
  return value.S
}
