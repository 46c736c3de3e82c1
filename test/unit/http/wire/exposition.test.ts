import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderMetrics } from '../../../../shared/http/wire/exposition.ts'

test('a metric has its help, its type and a line for each sample', () => {
  const samples = [
    { labels: {}, value: 1 },
    { labels: { a: 'x', b: 'y' }, value: 0.5 },
  ]
  assert.equal(
    renderMetrics([{ name: 'n', help: 'Help.', type: 'gauge', samples }]),
    '# HELP n Help.\n# TYPE n gauge\nn 1\nn{a="x",b="y"} 0.5\n',
  )
})

test('backslashes, line feeds and quotation marks are escaped', () => {
  const samples = [{ labels: { l: 'a"b\\c\nd' }, value: 1 }]
  assert.equal(
    renderMetrics([{ name: 'n', help: 'a"b\\c\nd', type: 'counter', samples }]),
    '# HELP n a"b\\\\c\\nd\n# TYPE n counter\nn{l="a\\"b\\\\c\\nd"} 1\n',
  )
})

test('a metric without a sample is left out', () => {
  assert.equal(renderMetrics([{ name: 'n', help: 'Help.', type: 'gauge', samples: [] }]), '')
})
