// Asserts the costs on a long log in a thread of its own: the test runner's bookkeeping of promises would take longer
// than the log. A failed assertion reaches the test as the thread's error.
import { workerData } from 'node:worker_threads'
import { assertCatchUpCosts, assertCosts, createCounted } from './support/costs.ts'

const commits = Number(workerData)
const setup = await createCounted(commits)
await assertCosts(setup)
await assertCatchUpCosts(
  setup,
  [0, 0.1, 0.5, 0.9].map((share) => Math.floor(commits * share)),
)
