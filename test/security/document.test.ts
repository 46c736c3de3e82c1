// docs/SECURITY.md shows the table of rights as it is tested.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type Row, rightsTable } from './rights.ts'

test('the document has a line for each endpoint, with what it asks for', async () => {
  const text = await readFile(new URL('../../docs/SECURITY.md', import.meta.url), 'utf8')
  const lines = text.split('\n').filter((line) => /^\| `(GET|POST|PUT|PATCH|DELETE) \//.test(line))
  assert.deepEqual(
    lines,
    Object.entries(rightsTable).map(([operation, row]) => `| \`${operation}\` | ${renderRow(row)} |`),
  )
})

function renderRow({ caller, needs, without }: Row): string {
  if (caller === 'anybody') return 'nothing, not even credentials'
  if (caller === 'operator') return 'an operator'
  if (caller === 'organisation') return "an operator, or the organisation's own key"
  if (needs.length === 0) return 'credentials of the cluster'
  const isLeftOut = (right: string) => [200, 404].includes(without[right as keyof typeof without] ?? 403)
  const render = (right: string) =>
    `${right.replace(' ', ' on ').toLowerCase()}${isLeftOut(right) ? '*' : ''}`
  return needs.map((need) => [need].flat().map(render).join(' or ')).join(', ')
}
