// How large each bundle may be: a tenth more than what is written down here, in thousands of bytes. Who makes one
// larger on purpose changes its number; `npm run bench:bundles` shows what a start costs. Zod's 264 kB of languages and
// the 151 kB of regular expressions' tables, which compactors have for groups that subscribe by one, do not show in it.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { bundle, type FunctionEntry } from '../../infra/bundle.ts'

const kilobytes: Readonly<Record<FunctionEntry, number>> = {
  produce: 1595,
  'produce/classic': 1576,
  fetch: 1595,
  'fetch/classic': 1576,
  compactor: 882,
}

test('no bundle has grown by a tenth', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-budget-'))
  t.after(() => rm(folder, { recursive: true }))
  for (const [entry, budget] of Object.entries(kilobytes) as [FunctionEntry, number][]) {
    const size = bundle(entry, folder).sizeBytes / 1000
    t.diagnostic(`${entry}: ${size.toFixed(0)} kB of ${budget}`)
    assert.ok(size < budget * 1.1, `${entry} is ${size.toFixed(0)} kB and was ${budget}`)
    assert.ok(
      size > budget * 0.9,
      `${entry} is ${size.toFixed(0)} kB and was ${budget}: write the smaller number down`,
    )
  }
})
