// Runs every gate of the tree, the later ones too when an earlier one fails, and ends with how many passed.
// `npm run check` starts it, so that the tools of node_modules are on the path.
import { spawnSync } from 'node:child_process'

const gates = {
  'format and lint': 'biome ci',
  types: 'tsc -p .',
  'dead code and dependencies': 'knip --no-progress',
  tidy: 'node --test test/tidy.test.ts',
}

const failed = Object.entries(gates).filter(([gate, command]) => {
  process.stdout.write(`\ncheck: ${gate} (${command})\n`)
  return spawnSync(command, { shell: true, stdio: 'inherit' }).status !== 0
})

const passed = Object.keys(gates).length - failed.length
for (const [gate] of failed) process.stdout.write(`check: ${gate} failed\n`)
process.stdout.write(`check: ${passed} passed, ${failed.length} failed\n`)
process.exitCode = failed.length === 0 ? 0 : 1
