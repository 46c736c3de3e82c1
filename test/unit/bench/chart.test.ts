// The chart and the numbers of the benchmark's report, on made-up results.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderChart } from '../../../bench/chart.ts'
import { figuresOf, isMet, percentile, type RowResult } from '../../../bench/figures.ts'

const figures = { requestsPerSecond: 10, megabytesPerSecond: 1, p50Ms: 2, p99Ms: 3 }

function row(changes: Partial<RowResult>): RowResult {
  return {
    name: 'row',
    title: 'a row',
    server: figures,
    floor: figures,
    comparison: 'MB/s of something',
    ratio: 0.5,
    target: undefined,
    peakMemoryMiB: 100,
    ...changes,
  }
}

/** Every element is closed in its order: what an XML parser would refuse first. */
function checkWellFormed(xml: string): void {
  const open: string[] = []
  for (const [tag, closing, name, selfClosing] of xml.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)) {
    if (closing === '/') assert.equal(open.pop(), name, tag)
    else if (selfClosing !== '/') open.push(name ?? '')
  }
  assert.deepEqual(open, [])
  assert.doesNotMatch(xml.replaceAll(/<\/?\w[^<>]*>/g, ''), /[<>]|&(?!(amp|lt|gt|quot);)/)
}

test('the chart is well-formed XML whatever the titles hold', () => {
  const chart = renderChart([row({ title: 'a < b & "c" > d' })], 'a & b')
  checkWellFormed(chart)
  assert.match(chart, /a &lt; b &amp; &quot;c&quot; &gt; d/)
  assert.throws(() => checkWellFormed('<g><rect></g>'))
  assert.throws(() => checkWellFormed('<g>a & b</g>'))
})

test('a bar is as long as its ratio and its target stands where the target is', () => {
  const chart = renderChart([row({ ratio: 0.5, target: { kind: 'atLeast', ratio: 0.7 } })], '')
  const bar = Number(/class="missed" x="270" y="\d+" width="([\d.]+)"/.exec(chart)?.[1])
  const line = Number(/class="target" x1="([\d.]+)"/.exec(chart)?.[1])
  assert.ok(Math.abs((line - 270) / bar - 0.7 / 0.5) < 0.01)
})

test('rows without a target, met and missed ones have different colours', () => {
  const kinds = [
    row({}),
    row({ target: { kind: 'atLeast', ratio: 0.4 } }),
    row({ target: { kind: 'atMost', ratio: 0.4 } }),
  ].map((result) => /<rect class="(plain|met|missed)"/.exec(renderChart([result], ''))?.[1])
  assert.deepEqual(kinds, ['plain', 'met', 'missed'])
})

test('percentiles are values that were measured', () => {
  const sorted = Array.from({ length: 100 }, (_, index) => index + 1)
  assert.equal(percentile(sorted, 0.5), 50)
  assert.equal(percentile(sorted, 0.99), 99)
  assert.equal(percentile([7], 0.99), 7)
})

test('rates are over the time of all slices', () => {
  const slices = [
    { seconds: 1, latenciesMs: [3, 1] },
    { seconds: 3, latenciesMs: [2, 4] },
  ]
  const { requestsPerSecond, megabytesPerSecond, p50Ms } = figuresOf(slices, 2_000_000)
  assert.deepEqual([requestsPerSecond, megabytesPerSecond, p50Ms], [1, 2, 2])
})

test('a target is reached at its bound', () => {
  assert.ok(isMet({ ratio: 0.7, target: { kind: 'atLeast', ratio: 0.7 } }))
  assert.ok(!isMet({ ratio: 0.69, target: { kind: 'atLeast', ratio: 0.7 } }))
  assert.ok(isMet({ ratio: 1, target: { kind: 'atMost', ratio: 1 } }))
  assert.ok(!isMet({ ratio: 1.01, target: { kind: 'atMost', ratio: 1 } }))
})
