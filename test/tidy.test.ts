// The rules of the tree that neither the compiler nor the linter knows: which folder may import which, where time
// and chance come from, how long a file, a line and a function may be, how a file opens. It reads the sources as
// text: comments and strings are blanked first, and the formatter's layout is taken for granted.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'node:test'

interface Source {
  /** From the root of the tree, with '/'. */
  readonly path: string
  readonly lines: readonly string[]
  /** Without comments; strings stay, because imports name their file in one. */
  readonly text: string
  /** Without comments, strings and regular expressions. */
  readonly code: readonly string[]
}

interface Ban {
  readonly pattern: RegExp
  readonly instead: string
}

const root = join(import.meta.dirname, '..')
const folders = ['shared', 'functions', 'infra', 'bin', 'bench', 'demo', 'clients', 'test']

// A folder may import itself and the folders of the rows below its own; folders of one row are strangers.
// Storage adapters stand beside: see storageProblem.
const layers = [
  ['functions'],
  ['shared/runtime'],
  ['shared/http'],
  ['shared/service'],
  ['shared/compaction'],
  ['log', 'topics', 'leases', 'groups', 'quotas', 'security', 'tenants', 'metering'].map(
    (domain) => `shared/${domain}`,
  ),
  ['shared/metadata'],
  ['shared/kafka', 'shared/ports'],
  ['shared/base'],
]

// What infra may know of the code that it deploys: bounds and names, which are nobody's logic.
const infraMayImport = ['computeLimits', 'frontDoorHeaders', 'metrics'].map(
  (name) => `shared/runtime/${name}.ts`,
)

const limits = { fileLines: 300, testLines: 500, lineLength: 120, functionLines: 60 }

const wallClock = 'the Clock of shared/ports/world.ts'
const chance = 'the Random of shared/ports/world.ts'
const bans: readonly Ban[] = [
  { pattern: /(?<![.\w$])Date\b(?!\s*:)/, instead: wallClock },
  { pattern: /(?<![.\w$])(setTimeout|setInterval|setImmediate)\b/, instead: wallClock },
  { pattern: /\bAbortSignal\.timeout\b/, instead: wallClock },
  { pattern: /(?<![.\w$])performance\b(?!\s*:)/, instead: wallClock },
  { pattern: /\bMath\.random\b/, instead: chance },
  {
    pattern: /\b(randomBytes|randomUUID|randomInt|randomFill|randomFillSync|getRandomValues)\b/,
    instead: chance,
  },
  { pattern: /(?<![.\w$])process\./, instead: 'a setting or function handed in by shared/runtime' },
  { pattern: /(?<![.\w$])globalThis\b/, instead: 'a function handed in by shared/runtime' },
  { pattern: /(?<![.\w$])console\./, instead: 'a log function handed in by shared/runtime' },
  // A method of our own may be called fetch, so only what is plainly a call counts.
  {
    pattern: /(?:\b(?:await|return)\b|[=(,:?&|>])\s*fetch\(/,
    instead: 'a port, or a function handed in by shared/runtime',
  },
]
const bannedModules = /^node:(timers|perf_hooks|process|console)\b/

test('imports run one way through the layers', () => {
  expectNone(readTree().flatMap(importProblems))
})

test('time, chance and the process are reached through ports only', () => {
  expectNone(readTree().flatMap(banProblems))
})

test('files, lines and functions are short', () => {
  expectNone(readTree().flatMap(sizeProblems))
})

test('a file of the engine opens with a comment', () => {
  expectNone(readTree().flatMap(openingProblems))
})

test('nothing is exported as default, exported again from another file or an enum', () => {
  expectNone(readTree().flatMap(exportProblems))
})

test('keys of the table and names of the bucket are built in one file', () => {
  expectNone(readTree().flatMap(keyProblems))
})

test('an import against the direction is found, one along it is not', () => {
  const found = (path: string, target: string): number =>
    importProblems(parse(path, `import { a } from '${target}'`)).length
  assert.equal(found('shared/log/a.ts', '../base/errors.ts'), 0)
  assert.equal(found('shared/log/a.ts', './b.ts'), 0)
  assert.equal(found('shared/log/a.ts', '../topics/configs.ts'), 1)
  assert.equal(found('shared/log/a.ts', '../http/app.ts'), 1)
  assert.equal(found('shared/kafka/a.ts', '../ports/world.ts'), 0)
  assert.equal(found('shared/kafka/a.ts', '../ports/table.ts'), 1)
  assert.equal(found('shared/storage/aws/a.ts', '../../ports/table.ts'), 0)
  assert.equal(found('shared/storage/aws/a.ts', '../../kafka/record.ts'), 1)
  assert.equal(found('shared/service/a.ts', '../storage/memory/table.ts'), 1)
  assert.equal(found('shared/runtime/a.ts', '../storage/memory/table.ts'), 0)
  assert.equal(found('shared/base/a.ts', '../../test/helper.ts'), 1)
  assert.equal(found('shared/unheardOf/a.ts', './b.ts'), 1)
  assert.equal(found('functions/fetch/index.ts', '../../shared/runtime/main.ts'), 0)
  assert.equal(found('infra/a.ts', '../shared/runtime/metrics.ts'), 0)
  assert.equal(found('infra/a.ts', '../shared/runtime/main.ts'), 1)
  assert.equal(found('shared/runtime/a.ts', '../../infra/stages.ts'), 1)
  assert.equal(found('clients/typescript/src/a.ts', './b.ts'), 0)
  assert.equal(found('clients/typescript/src/a.ts', '../../../shared/base/errors.ts'), 1)
})

test('a banned word is found in code and not in comments, strings or names of methods', () => {
  const found = (code: string): number => banProblems(parse('shared/log/a.ts', code)).length
  for (const code of [
    'Date.now()',
    'setTimeout(f)',
    'x = Math.random()',
    'process.env.A',
    'await fetch(url)',
  ]) {
    assert.equal(found(code), 1, code)
  }
  assert.equal(found("import { setTimeout as sleep } from 'node:timers/promises'"), 2)
  for (const code of [
    '// Date',
    "'Date'",
    '`a Date`',
    '/Date/.test(a)',
    'cluster.fetch(a)',
    '  fetch(a) {',
  ]) {
    assert.equal(found(code), 0, code)
  }
  assert.equal(banProblems(parse('shared/runtime/a.ts', 'Date.now()')).length, 0)
})

test('a key or a name that is built outside is found, one that is handed on is not', () => {
  const found = (code: string, path = 'shared/log/a.ts'): number => keyProblems(parse(path, code)).length
  for (const code of [
    'const key = { pk, sk: id }',
    `query({ pk: \`\${a}/work\` })`,
    "query({ pk: a + '/work' })",
    "const pk = 'x'",
    `const name = \`\${tenantId}/log/\``,
    `const name = \`\${deps.clusterId}/log/\``,
    `objects.getRange(\`a/\${b}\`, 0, 1)`,
    "await deps.objects.list('a/', page)",
    "objects.delete(['a'])",
  ]) {
    assert.equal(found(code), 1, code)
  }
  for (const code of [
    'readonly sk: string',
    'const { pk, sk: prefix } = scope.lease(a)',
    'query({ pk: deps.scope.workPk, to: workSortKey(0) })',
    'const pk = deps.scope.indexPk(a, b)',
    `const url = \`/clusters/\${clusterId}/topics\``,
    'objects.getRange(scope.logObject(id), 0, 1)',
    '// pk: `x`',
  ]) {
    assert.equal(found(code), 0, code)
  }
  assert.equal(found('const key = { pk, sk: id }', 'shared/metadata/scope.ts'), 0)
})

test('what is too long is found, and what is just short enough is not', () => {
  const found = (path: string, source: string): number => sizeProblems(parse(path, source)).length
  const body = (count: number): string => `export function f() {\n${'  a\n'.repeat(count)}}\n`
  assert.equal(found('shared/a.ts', body(limits.functionLines - 2)), 0)
  assert.equal(found('shared/a.ts', body(limits.functionLines - 1)), 1)
  assert.equal(
    found('shared/a.ts', `const f = (\n  a: b,\n) => {\n${'  a\n'.repeat(limits.functionLines)}}\n`),
    1,
  )
  assert.equal(found('shared/a.ts', 'é'.repeat(limits.lineLength)), 0)
  assert.equal(found('shared/a.ts', 'é'.repeat(limits.lineLength + 1)), 1)
  assert.equal(found('shared/a.ts', 'a\n'.repeat(limits.fileLines)), 0)
  assert.equal(found('shared/a.ts', 'a\n'.repeat(limits.fileLines + 1)), 1)
  assert.equal(found('test/a.test.ts', 'a\n'.repeat(limits.testLines)), 0)
})

test('a file without an opening comment and a forbidden export are found', () => {
  assert.equal(openingProblems(parse('shared/base/a.ts', 'const a = 1')).length, 1)
  assert.equal(openingProblems(parse('shared/base/a.ts', '// Why.\nconst a = 1')).length, 0)
  const forbidden = [
    'export default a',
    "export { a } from './a.ts'",
    "export * from './a.ts'",
    'export enum A {}',
  ]
  for (const code of forbidden) assert.equal(exportProblems(parse('shared/base/a.ts', code)).length, 1, code)
  assert.equal(exportProblems(parse('shared/base/a.ts', 'export const defaults = 1')).length, 0)
})

function importProblems(source: Source): string[] {
  const from = folderOf(source.path)
  if (from === undefined) return []
  if (!['shared/storage', 'infra'].includes(from) && !isClient(from) && layerOf(from) < 0)
    return [`${source.path}: give ${from} a place in the layers`]
  return importsOf(source).flatMap(({ line, target }) => {
    if (!target.startsWith('.')) return []
    const path = posix.join(posix.dirname(source.path), target)
    const to = folderOf(path)
    return mayImport(from, to, path) ? [] : [`${source.path}:${line}: ${from} must not import ${path}`]
  })
}

function mayImport(from: string, to: string | undefined, path: string): boolean {
  // A client is published by itself.
  if (isClient(from)) return to === from
  // The version, which a bundle has no file for.
  if (path === 'package.json') return from === 'shared/runtime'
  if (to === undefined) return false
  if (to === from) return true
  if (from === 'infra') return infraMayImport.includes(path)
  if (to === 'shared/storage') return from === 'shared/runtime'
  if (from === 'shared/storage') return to === 'shared/ports' || to === 'shared/base'
  if (from === 'shared/kafka' && path === 'shared/ports/world.ts') return true
  return layerOf(to) > layerOf(from)
}

function layerOf(folder: string): number {
  return layers.findIndex((row) => row.includes(folder))
}

// The folder that has a layer: functions, infra, or a folder of shared.
function folderOf(path: string): string | undefined {
  const [top, second] = path.split('/')
  if (top === 'functions' || top === 'infra') return top
  const [client] = /^clients\/\w+\/src(?=\/)/.exec(path) ?? []
  if (client !== undefined) return client
  return top === 'shared' ? `shared/${second}` : undefined
}

const isClient = (folder: string): boolean => folder.startsWith('clients/')

function importsOf(source: Source): { line: number; target: string }[] {
  const pattern = /^\s*(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/gm
  return [...source.text.matchAll(pattern)].map((match) => ({
    line: source.text.slice(0, match.index + match[0].length).split('\n').length,
    target: match[1] ?? match[2] ?? '',
  }))
}

function banProblems(source: Source): string[] {
  if (folderOf(source.path) === undefined) return []
  if (/^(infra|shared\/(runtime|storage\/(embedded|aws)))\//.test(source.path)) return []
  if (/^clients\/\w+\/src\/world\.ts$/.test(source.path)) return []
  const words = source.code.flatMap((line, index) =>
    bans.flatMap(({ pattern, instead }) => {
      const found = pattern.exec(line)?.[0].trim()
      return found === undefined ? [] : [`${source.path}:${index + 1}: "${found}": use ${instead}`]
    }),
  )
  const modules = importsOf(source)
    .filter(({ target }) => bannedModules.test(target))
    .map(({ line, target }) => `${source.path}:${line}: "${target}": use a port of shared/ports/world.ts`)
  return [...words, ...modules]
}

const keyRules = [
  /\bsk\s*:(?!\s*string\b|[^\n]*\} = )/,
  /\bpk\s*:[^,}\n]*['"`+]/,
  /\b(const|let) pk\s*=[^\n]*['"`+]/,
  /`\$\{[\w.]*(tenantId|clusterId)\}\//,
  /\bobjects\.(putIfAbsent|getRange|list|delete)\(\s*\[?['"`]/,
]

// Whose key it is follows from the scope that built it: no other code puts one together.
function keyProblems(source: Source): string[] {
  const isFree = /^shared\/(storage\/|metadata\/scope\.ts$)/.test(source.path)
  if (isFree || !/^(shared|functions)\//.test(source.path)) return []
  return source.text.split('\n').flatMap((line, index) => {
    const found = keyRules.map((rule) => rule.exec(line)?.[0].trim()).find((match) => match !== undefined)
    const where = `${source.path}:${index + 1}`
    return found === undefined
      ? []
      : [`${where}: "${found}": build keys and names in shared/metadata/scope.ts`]
  })
}

function sizeProblems(source: Source): string[] {
  const { path, lines } = source
  const linesMax = /^(clients\/\w+\/)?test\//.test(path) ? limits.testLines : limits.fileLines
  const problems: string[] = []
  if (lines.length > linesMax) problems.push(`${path}: ${lines.length} lines, ${linesMax} are allowed`)
  for (const [index, line] of lines.entries()) {
    const length = [...line].length
    if (length > limits.lineLength) {
      problems.push(`${path}:${index + 1}: ${length} columns, ${limits.lineLength} are allowed`)
    }
  }
  for (const { line, length } of functionsOf(source)) {
    if (length > limits.functionLines) {
      problems.push(`${path}:${line}: a function of ${length} lines, ${limits.functionLines} are allowed`)
    }
  }
  return problems
}

// In formatted code a function of the file begins in the first column and so does its last line, with a bracket.
function functionsOf(source: Source): { line: number; length: number }[] {
  const functions: { line: number; length: number }[] = []
  let start = -1
  for (const [index, line] of source.code.entries()) {
    if (/^(export )?(async )?function\b|^(export )?const \w+[^=]*= (async )?(\(|<|\w+ =>)/.test(line))
      start = index
    else if (/^[\w'"@]/.test(line)) start = -1
    if (start < 0) continue
    if (index === start || /^[})\]]/.test(line))
      functions.push({ line: start + 1, length: index - start + 1 })
  }
  return functions
}

function openingProblems(source: Source): string[] {
  const first = source.lines[0] ?? ''
  const isFine =
    !/^(shared|clients\/\w+\/src)\//.test(source.path) || first.startsWith('//') || first.startsWith('/*')
  return isFine ? [] : [`${source.path}:1: open the file with a comment: what it owns, what it refuses`]
}

// The front door of a package that is published.
const frontDoor = /^clients\/\w+\/src\/index\.ts$/

function exportProblems(source: Source): string[] {
  if (frontDoor.test(source.path)) return []
  const rules = [
    { pattern: /^export default\b/gm, problem: 'a default export: give it a name' },
    {
      pattern: /^export\b[^'";=]*?\bfrom\s*'/gm,
      problem: 'an export from another file: import it where it lives',
    },
    { pattern: /^(export |declare |const )*enum \w/gm, problem: 'an enum: use a union of strings' },
  ]
  return rules.flatMap(({ pattern, problem }) =>
    [...source.text.matchAll(pattern)].map((match) => {
      const line = source.text.slice(0, match.index).split('\n').length
      return `${source.path}:${line}: ${problem}`
    }),
  )
}

function expectNone(problems: readonly string[]): void {
  assert.ok(problems.length === 0, `${problems.length} found:\n${problems.join('\n')}`)
}

let tree: Source[] | undefined

function readTree(): Source[] {
  tree ??= folders.flatMap(readFolder)
  assert.ok(tree.length > 20, 'the tree was not found')
  return tree
}

function readFolder(folder: string): Source[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .filter(({ parentPath }) => !/node_modules|\/dist\b/.test(parentPath))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => parse(path.slice(root.length + 1).replaceAll('\\', '/'), readFileSync(path, 'utf8')))
}

function parse(path: string, source: string): Source {
  const lines = source.split('\n')
  if (lines.at(-1) === '') lines.pop()
  // A template inside a template ends the outer one early and begins it anew: the backticks still pair up.
  const comment = String.raw`\/\/.*|\/\*[\s\S]*?\*\/`
  const string = String.raw`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\`(?:\\[\s\S]|[^\`\\])*\``
  const regex = String.raw`(?<=(?:^|[(,=>:[!&|?{};]|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*`
  const tokens = new RegExp(`${comment}|${string}|${regex}`, 'g')
  const blank = (token: string): string => token.replace(/[^\n]/g, ' ')
  const text = source.replace(tokens, (token) => (/^\/[/*]/.test(token) ? blank(token) : token))
  return { path, lines, text, code: source.replace(tokens, blank).split('\n') }
}
