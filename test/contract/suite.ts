// How a contract suite is run on one adapter: the cases that it cannot serve are skipped by their names, with
// a reason, and a skip that names no case is an error.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

export interface Skip {
  readonly test: string
  readonly reason: string
}

export interface Opened<Port> {
  readonly port: Port
  close(): Promise<void>
}

export interface Adapter<Port> {
  create(): Promise<Opened<Port>>
  readonly skip?: readonly Skip[]
}

export type Cases<Port> = Readonly<Record<string, (port: Port) => Promise<void>>>

export const describeContract = <Port>(name: string, adapter: Adapter<Port>, cases: Cases<Port>): void => {
  describe(name, () => {
    let opened: Opened<Port> | undefined
    before(async () => {
      opened = await adapter.create()
    })
    after(async () => {
      await opened?.close()
    })
    const reasons = new Map(adapter.skip?.map(({ test: title, reason }) => [title, reason]))
    for (const [title, run] of Object.entries(cases)) {
      test(title, { skip: reasons.get(title) ?? false }, async () => {
        assert.ok(opened)
        await run(opened.port)
      })
    }
    test('every skip names a case', () => {
      assert.deepEqual(
        [...reasons.keys()].filter((title) => !Object.hasOwn(cases, title)),
        [],
      )
    })
  })
}

/** Compares values, whatever kind of byte array or frozen object an adapter makes of them. */
export const assertSame = (actual: unknown, expected: unknown): void => {
  assert.deepEqual(structuredClone(actual), structuredClone(expected))
}
