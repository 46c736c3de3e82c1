// The architecture's picture is the one that its text gives.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { drawDiagram, picture } from '../bin/diagram.ts'

test('the picture of the architecture is what its text gives', async () => {
  assert.equal(readFileSync(picture, 'utf8'), await drawDiagram(), 'run npm run diagram')
})
