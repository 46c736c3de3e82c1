// The differences from a public API that are meant, each with its reason. A difference that nobody listed
// fails, and so does a listed one that is no longer there.
import assert from 'node:assert/strict'

export interface DeliberateDifference {
  readonly operations: readonly string[]
  readonly differs: string
  readonly reason: string
}

export function assertOnly(found: readonly string[], meant: readonly DeliberateDifference[]): void {
  const lines = meant.flatMap(({ operations, differs }) =>
    operations.map((operation) => renderDifference(operation, differs)),
  )
  assert.deepEqual([...new Set(found)].sort(), lines.sort(), 'what differs is not what is listed')
}

export function renderDifference(operation: string, differs: string): string {
  return `${operation}: ${differs}`
}
