// What a write does to an item: the one evaluation of conditions and actions, for the adapters whose store
// has none of its own. Pure. An update with only `remove` actions creates no item; an action or condition on
// a value of another kind (a list that is no list, a sum that is no safe integer) is a mistake of our own and
// throws.
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
import {
  checkItemBytes,
  checkScalar,
  checkTransaction,
  checkTransactionBytes,
  checkWrite,
  isList,
  itemBytes,
} from './limits.ts'

export interface Applied {
  readonly kind: 'apply'
  readonly key: ItemKey
  /**
   * The item afterwards, frozen; undefined where there is none. A check leaves the very object it was given.
   */
  readonly next: Attributes | undefined
  /** The bytes of `next`, 0 where there is none. */
  readonly bytes: number
  readonly updated: Attributes
}

export type Decision = Applied | { readonly kind: 'refuse' }

export type TransactDecision =
  | { readonly kind: 'apply'; readonly applied: readonly Applied[] }
  /** Indexes of the writes whose conditions are false. */
  | { readonly kind: 'refuse'; readonly failed: readonly number[] }

export const decideWrite = (current: Attributes | undefined, write: TransactWrite): Decision => {
  checkWrite(write)
  return decide(current, write)
}

/** `currents` are the items the writes name, in the order of the writes. */
export const decideTransaction = (
  writes: readonly TransactWrite[],
  currents: readonly (Attributes | undefined)[],
): TransactDecision => {
  checkTransaction(writes)
  const applied: Applied[] = []
  const failed: number[] = []
  let bytes = 0
  for (const [index, write] of writes.entries()) {
    const decision = decide(currents[index], write)
    if (decision.kind === 'refuse') failed.push(index)
    else applied.push(decision)
    bytes += decision.kind === 'apply' ? decision.bytes : 0
  }
  checkTransactionBytes(bytes)
  return failed.length > 0 ? { kind: 'refuse', failed } : { kind: 'apply', applied }
}

const nothing: Attributes = Object.freeze({})

const decide = (current: Attributes | undefined, write: TransactWrite): Decision => {
  for (const condition of write.when ?? []) {
    if (!holds(current, condition)) return { kind: 'refuse' }
  }
  if (write.kind === 'check') return applied(write.key, current, nothing)
  if (write.kind === 'delete') return applied(write.key, undefined, nothing)
  if (write.kind === 'put') return applied(write.key, frozenCopy(write.attributes), nothing)
  return applyActions(current, write.key, write.actions)
}

const applied = (key: ItemKey, next: Attributes | undefined, updated: Attributes): Applied => {
  const bytes = next === undefined ? 0 : itemBytes(key, next)
  checkItemBytes(key, bytes)
  return { kind: 'apply', key, next, bytes, updated }
}

const applyActions = (current: Attributes | undefined, key: ItemKey, actions: readonly Action[]): Applied => {
  const next: Record<string, Attribute> = { ...current }
  const updated: Record<string, Attribute> = {}
  for (const action of actions) {
    const value = valueAfter(current, action)
    if (value === undefined) {
      delete next[action.attribute]
      continue
    }
    next[action.attribute] = value
    updated[action.attribute] = value
  }
  const createsNothing = current === undefined && actions.every(({ kind }) => kind === 'remove')
  return applied(key, createsNothing ? undefined : Object.freeze(next), Object.freeze(updated))
}

const valueAfter = (current: Attributes | undefined, action: Action): Attribute | undefined => {
  switch (action.kind) {
    case 'set':
      return frozenValue(action.value)
    case 'add':
      return sum(action.attribute, attributeOf(current, action.attribute) ?? 0, action.value)
    case 'append':
      return Object.freeze([
        ...listOf(action.attribute, attributeOf(current, action.attribute) ?? []),
        ...action.values,
      ])
    case 'removeFirst':
      return Object.freeze(
        listOf(action.attribute, attributeOf(current, action.attribute)).slice(action.count),
      )
    case 'remove':
      return undefined
  }
}

const holds = (current: Attributes | undefined, condition: Condition): boolean => {
  if (condition.kind === 'itemExists') return current !== undefined
  if (condition.kind === 'itemAbsent') return current === undefined
  const value = attributeOf(current, condition.attribute)
  if (condition.kind === 'absent') return value === undefined
  return value !== undefined && holdsFor(value, condition)
}

type ValueCondition = Exclude<Condition, { kind: 'itemExists' | 'itemAbsent' | 'absent' }>

const holdsFor = (value: Attribute, condition: ValueCondition): boolean => {
  switch (condition.kind) {
    case 'exists':
      return true
    case 'equals':
      return scalarsEqual(value, condition.value)
    case 'beginsWith':
      return beginsWith(value, condition.value)
    case 'below':
      return typeof value === 'number' && value < condition.value
    case 'atLeast':
      return typeof value === 'number' && value >= condition.value
    case 'firstEquals':
      return scalarsEqual(listOf(condition.attribute, value)[0], condition.value)
    case 'lengthBelow':
      return listOf(condition.attribute, value).length < condition.value
  }
}

/** Names such as "constructor" are attributes like any other. */
const attributeOf = (attributes: Attributes | undefined, name: string): Attribute | undefined =>
  attributes !== undefined && Object.hasOwn(attributes, name) ? attributes[name] : undefined

const listOf = (name: string, value: Attribute | undefined): readonly Scalar[] => {
  invariant(isList(value), `${name} is a list`)
  return value
}

const sum = (name: string, value: Attribute, addend: number): number => {
  invariant(typeof value === 'number', `${name} is a number`)
  checkScalar(name, value + addend)
  return value + addend
}

const scalarsEqual = (left: Attribute | undefined, right: Scalar): boolean => {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0
  return left === right
}

const beginsWith = (value: Attribute, prefix: Uint8Array | string): boolean => {
  if (typeof prefix === 'string') return typeof value === 'string' && value.startsWith(prefix)
  if (!(value instanceof Uint8Array)) return false
  return Buffer.compare(value.subarray(0, prefix.byteLength), prefix) === 0
}

/**
 * Lists and the item are copied, so that no caller can change what is stored; bytes never change by
 * convention.
 */
const frozenCopy = (attributes: Attributes): Attributes => {
  const copy: Record<string, Attribute> = {}
  for (const [name, value] of Object.entries(attributes)) copy[name] = frozenValue(value)
  return Object.freeze(copy)
}

const frozenValue = (value: Attribute): Attribute => (isList(value) ? Object.freeze([...value]) : value)
