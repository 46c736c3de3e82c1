// DynamoDB's arithmetic, which every adapter keeps: sizes of items, limits of writes, capacity units. A
// broken limit is a mistake of our own, so it is thrown as a broken invariant; what a user sends is bounded
// long before.
import { invariant } from '../base/errors.ts'
import type {
  Action,
  Attribute,
  Attributes,
  Condition,
  ItemKey,
  Scalar,
  TransactWrite,
} from '../ports/table.ts'

const itemBytesMax = 400 * 1024
export const pageBytesMax = 1024 * 1024
const transactionWritesMax = 100
const transactionBytesMax = 4 * 1024 * 1024
const partitionKeyBytesMax = 2048
const sortKeyBytesMax = 1024
/** DynamoDB names every removed element in the update's expression, which may have 4 KB. */
const removeFirstCountMax = 256

const keyAttributes = new Set(['pk', 'sk'])
const keyNamesBytes = 4
const listBytes = 3
const elementBytes = 1

/** Everything about a write that is wrong whatever the item holds. */
export const checkWrite = (write: TransactWrite): void => {
  checkKey(write.key)
  for (const condition of write.when ?? []) checkCondition(condition)
  if (write.kind === 'put') {
    for (const [name, value] of Object.entries(write.attributes)) checkAttribute(name, value)
  }
  if (write.kind === 'update') checkActions(write.actions)
  if (write.kind === 'check') invariant(write.when.length > 0, 'a check has at least one condition')
}

/** Everything about a transaction that is wrong whatever its items hold. */
export const checkTransaction = (writes: readonly TransactWrite[]): void => {
  invariant(writes.length > 0, 'a transaction has at least one write')
  invariant(
    writes.length <= transactionWritesMax,
    `a transaction has at most ${transactionWritesMax} writes, not ${writes.length}`,
  )
  const sortKeysByPk = new Map<string, Set<string>>()
  for (const write of writes) {
    checkWrite(write)
    const sortKeys = sortKeysByPk.get(write.key.pk) ?? new Set()
    invariant(!sortKeys.has(write.key.sk), `a transaction names a key once: ${keyText(write.key)}`)
    sortKeysByPk.set(write.key.pk, sortKeys.add(write.key.sk))
  }
}

export const checkTransactionBytes = (bytes: number): void =>
  invariant(
    bytes <= transactionBytesMax,
    `a transaction has at most ${transactionBytesMax} bytes, not ${bytes}`,
  )

export const checkItemBytes = (key: ItemKey, bytes: number): void =>
  invariant(
    bytes <= itemBytesMax,
    `an item has at most ${itemBytesMax} bytes, ${keyText(key)} would have ${bytes}`,
  )

export const checkKey = ({ pk, sk }: ItemKey): void => {
  checkKeyPart('pk', pk, partitionKeyBytesMax)
  checkKeyPart('sk', sk, sortKeyBytesMax)
}

/** The bytes of an item as DynamoDB counts them: names, values and the key. */
export const itemBytes = (key: ItemKey, attributes: Attributes): number => {
  let bytes = keyNamesBytes + Buffer.byteLength(key.pk) + Buffer.byteLength(key.sk)
  for (const name of Object.keys(attributes)) {
    bytes += Buffer.byteLength(name) + attributeBytes(attributes[name] ?? '')
  }
  return bytes
}

/** Of one write, from the item's bytes before and after it (0: no item). */
export const writeUnits = (bytesBefore: number, bytesAfter: number): number =>
  Math.max(1, Math.ceil(Math.max(bytesBefore, bytesAfter) / 1024))

/** Of one strongly consistent read. */
export const readUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 4096))

const attributeBytes = (value: Attribute): number => {
  if (!isList(value)) return scalarBytes(value)
  let bytes = listBytes
  for (const element of value) bytes += elementBytes + scalarBytes(element)
  return bytes
}

const scalarBytes = (value: Scalar): number => {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value === 'number') return numberBytes(value)
  return value.byteLength
}

/** One byte, one for each pair of decimal digits without the zero pairs at either end, one for a sign. */
const numberBytes = (value: number): number => {
  if (value === 0) return 1
  let rest = Math.abs(value)
  while (rest % 100 === 0) rest /= 100
  let pairs = 0
  for (; rest > 0; rest = Math.floor(rest / 100)) pairs += 1
  return 1 + pairs + (value < 0 ? 1 : 0)
}

export const isList = (value: Attribute | undefined): value is readonly Scalar[] => Array.isArray(value)

const checkKeyPart = (name: string, value: string, bytesMax: number): void => {
  invariant(value.length > 0, `a key's ${name} is not empty`)
  invariant(value.isWellFormed(), `a key's ${name} is well-formed Unicode`)
  const bytes = Buffer.byteLength(value)
  invariant(bytes <= bytesMax, `a key's ${name} has at most ${bytesMax} bytes, not ${bytes}`)
}

const checkCondition = (condition: Condition): void => {
  if ('attribute' in condition) checkAttributeName(condition.attribute)
  if ('value' in condition) checkScalar('a condition', condition.value)
}

const checkActions = (actions: readonly Action[]): void => {
  invariant(actions.length > 0, 'an update has at least one action')
  const named = new Set<string>()
  for (const action of actions) {
    checkAttributeName(action.attribute)
    invariant(!named.has(action.attribute), `an update names an attribute once: ${action.attribute}`)
    named.add(action.attribute)
    checkAction(action)
  }
}

const checkAction = (action: Action): void => {
  if (action.kind === 'set') checkAttribute(action.attribute, action.value)
  if (action.kind === 'add') checkScalar(action.attribute, action.value)
  if (action.kind === 'append') checkAttribute(action.attribute, action.values)
  if (action.kind === 'removeFirst') {
    invariant(
      Number.isSafeInteger(action.count) && action.count >= 1 && action.count <= removeFirstCountMax,
      `an update takes 1 to ${removeFirstCountMax} elements off ${action.attribute}, not ${action.count}`,
    )
  }
}

const checkAttribute = (name: string, value: Attribute): void => {
  checkAttributeName(name)
  if (isList(value)) for (const element of value) checkScalar(name, element)
  else checkScalar(name, value)
}

const checkAttributeName = (name: string): void =>
  invariant(
    name.length > 0 && name !== '__proto__' && !keyAttributes.has(name),
    `an attribute is not named "${name}"`,
  )

export const checkScalar = (name: string, value: Scalar): void => {
  if (typeof value === 'number') {
    invariant(Number.isSafeInteger(value), `the numbers of ${name} are safe integers, not ${value}`)
  }
}

const keyText = ({ pk, sk }: ItemKey): string => `(${pk}, ${sk})`
