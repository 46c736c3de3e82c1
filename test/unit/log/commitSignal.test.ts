import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCommitSignal } from '../../../shared/log/commitSignal.ts'

const hasFired = async (fired: Promise<void>): Promise<boolean> => {
  let done = false
  void fired.then(() => {
    done = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return done
}

test('a commit wakes those who wait for its sequencer and nobody else', async () => {
  const signal = createCommitSignal()
  const [a, both, other] = [signal.subscribe(['a']), signal.subscribe(['b', 'a']), signal.subscribe(['c'])]
  signal.notify('a')
  assert.deepEqual(await Promise.all([a, both, other].map(({ fired }) => hasFired(fired))), [
    true,
    true,
    false,
  ])
})

test('who has cancelled is not woken, and a commit that nobody waits for is no event', async () => {
  const signal = createCommitSignal()
  const gone = signal.subscribe(['a', 'b'])
  gone.cancel()
  signal.notify('a')
  signal.notify('nobody')
  assert.equal(await hasFired(gone.fired), false)
  const later = signal.subscribe(['a'])
  assert.equal(await hasFired(later.fired), false, 'an earlier commit does not wake')
  gone.cancel()
  signal.notify('a')
  assert.equal(await hasFired(later.fired), true, 'cancelling twice does no harm')
})
