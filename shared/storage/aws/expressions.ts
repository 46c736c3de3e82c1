// Conditions and actions as DynamoDB's expressions. Pure. Names and values stand behind placeholders, since a
// name may be one of DynamoDB's reserved words and hold any character. The key attributes are `pk` and `sk`.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Action, Attribute, Condition, Query } from '../../ports/table.ts'
import { type AttributeValues, toAttributeValue } from './attributeValues.ts'

export interface Expressions {
  readonly ConditionExpression?: string
  readonly UpdateExpression?: string
  readonly ExpressionAttributeNames?: Record<string, string>
  readonly ExpressionAttributeValues?: AttributeValues
}

export const compileWrite = (
  conditions: readonly Condition[] = [],
  actions: readonly Action[] = [],
): Expressions => {
  const placeholders = createPlaceholders()
  const condition = conditions.map((one) => compileCondition(one, placeholders)).join(' AND ')
  const update = compileActions(actions, placeholders)
  return {
    ...(condition === '' ? {} : { ConditionExpression: condition }),
    ...(update === '' ? {} : { UpdateExpression: update }),
    ...placeholders.parameters(),
  }
}

export const compileKeyCondition = ({
  pk,
  prefix = '',
  from = '',
  to,
}: Query): {
  readonly KeyConditionExpression: string
  readonly ExpressionAttributeValues: AttributeValues
} => {
  const conditions = ['pk = :pk']
  if (prefix !== '') conditions.push('begins_with(sk, :prefix)')
  if (from !== '' && to !== undefined) conditions.push('sk BETWEEN :from AND :to')
  else if (from !== '') conditions.push('sk >= :from')
  else if (to !== undefined) conditions.push('sk <= :to')
  return {
    KeyConditionExpression: conditions.join(' AND '),
    ExpressionAttributeValues: {
      ':pk': { S: pk },
      ...(prefix === '' ? {} : { ':prefix': { S: prefix } }),
      ...(from === '' ? {} : { ':from': { S: from } }),
      ...(to === undefined ? {} : { ':to': { S: to } }),
    },
  }
}

type Placeholders = ReturnType<typeof createPlaceholders>

const createPlaceholders = () => {
  const names = new Map<string, string>()
  const values = new Map<string, AttributeValue>()

  const name = (attribute: string): string => {
    const placeholder = names.get(attribute) ?? `#a${names.size}`
    names.set(attribute, placeholder)
    return placeholder
  }

  const value = (given: Attribute): string => {
    const placeholder = `:v${values.size}`
    values.set(placeholder, toAttributeValue(given))
    return placeholder
  }

  const constant = (placeholder: ':zero' | ':empty'): string => {
    values.set(placeholder, placeholder === ':zero' ? { N: '0' } : { L: [] })
    return placeholder
  }

  /** DynamoDB refuses empty maps. */
  const parameters = (): Expressions => ({
    ...(names.size === 0
      ? {}
      : { ExpressionAttributeNames: Object.fromEntries([...names].map(([key, text]) => [text, key])) }),
    ...(values.size === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(values) }),
  })

  return { name, value, constant, parameters }
}

const compileCondition = (condition: Condition, { name, value }: Placeholders): string => {
  switch (condition.kind) {
    case 'itemExists':
      return 'attribute_exists(pk)'
    case 'itemAbsent':
      return 'attribute_not_exists(pk)'
    case 'exists':
      return `attribute_exists(${name(condition.attribute)})`
    case 'absent':
      return `attribute_not_exists(${name(condition.attribute)})`
    case 'equals':
      return `${name(condition.attribute)} = ${value(condition.value)}`
    case 'beginsWith':
      return `begins_with(${name(condition.attribute)}, ${value(condition.value)})`
    case 'below':
      return `${name(condition.attribute)} < ${value(condition.value)}`
    case 'atLeast':
      return `${name(condition.attribute)} >= ${value(condition.value)}`
    case 'firstEquals':
      return `${name(condition.attribute)}[0] = ${value(condition.value)}`
    case 'lengthBelow':
      return `size(${name(condition.attribute)}) < ${value(condition.value)}`
  }
}

const compileActions = (actions: readonly Action[], placeholders: Placeholders): string => {
  const sets: string[] = []
  const removes: string[] = []
  for (const action of actions) {
    if (action.kind === 'remove') removes.push(placeholders.name(action.attribute))
    else if (action.kind === 'removeFirst') removes.push(...firstElements(action, placeholders))
    else sets.push(compileSet(action, placeholders))
  }
  const sections = [
    ...(sets.length === 0 ? [] : [`SET ${sets.join(', ')}`]),
    ...(removes.length === 0 ? [] : [`REMOVE ${removes.join(', ')}`]),
  ]
  return sections.join(' ')
}

/**
 * From the last to the first, so that the indexes also hold for an implementation that removes one after the
 * other.
 */
const firstElements = (action: Action & { kind: 'removeFirst' }, { name }: Placeholders): string[] =>
  Array.from({ length: action.count }, (_, index) => `${name(action.attribute)}[${action.count - 1 - index}]`)

const compileSet = (
  action: Action & { kind: 'set' | 'add' | 'append' },
  { name, value, constant }: Placeholders,
): string => {
  const attribute = name(action.attribute)
  switch (action.kind) {
    case 'set':
      return `${attribute} = ${value(action.value)}`
    case 'add':
      return `${attribute} = if_not_exists(${attribute}, ${constant(':zero')}) + ${value(action.value)}`
    case 'append':
      return (
        `${attribute} = ` +
        `list_append(if_not_exists(${attribute}, ${constant(':empty')}), ${value(action.values)})`
      )
  }
}
