// The results as a bar chart in SVG: one bar a row, as long as its ratio, and a line where the target is.
// Colours follow the reader's light or dark scheme.

import { isMet, type RowResult } from './figures.ts'

const width = 860
const top = 64
const rowHeight = 30
const barHeight = 16
const labelWidth = 270
const plotWidth = 460
const footHeight = 44

const style = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 16px; font-weight: 600 }
    .quiet { fill: #59636e; font-size: 12px }
    .page { fill: #ffffff }
    .grid { stroke: #d1d9e0 }
    .plain { fill: #8c959f }
    .met { fill: #1a7f37 }
    .missed { fill: #cf222e }
    .target { stroke: #1f2328; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .quiet { fill: #9198a1 }
      .page { fill: #0d1117 }
      .grid { stroke: #3d444d }
      .plain { fill: #656c76 }
      .met { fill: #3fb950 }
      .missed { fill: #f85149 }
      .target { stroke: #e6edf3 }
    }`

export function renderChart(results: readonly RowResult[], subtitle: string): string {
  const height = top + results.length * rowHeight + footHeight
  const largest = Math.max(1, ...results.flatMap(({ ratio, target }) => [ratio, target?.ratio ?? 0]))
  const ticks = gridTicks(largest)
  const scale = plotWidth / (ticks.at(-1) ?? 1)
  const bottom = top + results.length * rowHeight
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" ` +
      'aria-labelledby="title">',
    `  <title id="title">Millrace beside the floors of the machine</title>`,
    `  <style>${style}\n  </style>`,
    `  <rect class="page" width="${width}" height="${height}"/>`,
    '  <text class="title" x="16" y="26">Millrace beside the floors of the machine</text>',
    `  <text class="quiet" x="16" y="46">${escapeXml(subtitle)}</text>`,
    ...ticks.map((tick) => renderTick(tick, labelWidth + tick * scale, bottom)),
    ...results.map((result, index) => renderBar(result, top + index * rowHeight, scale)),
    `  <text class="quiet" x="16" y="${height - 10}">Ratio to the floor; the upright line is the target. ` +
      'For memory: share of the limit, to stay left of the line.</text>',
    '</svg>',
    '',
  ].join('\n')
}

function gridTicks(largest: number): readonly number[] {
  const step = [0.25, 0.5, 1, 2, 5].find((size) => largest / size <= 8) ?? largest / 8
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, index) => index * step)
}

function renderTick(value: number, x: number, bottom: number): string {
  const at = x.toFixed(1)
  return (
    `  <line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>\n` +
    `  <text class="quiet" x="${at}" y="${bottom + 16}" text-anchor="middle">${value}</text>`
  )
}

function renderBar(result: RowResult, y: number, scale: number): string {
  const { title, ratio, target, comparison } = result
  const kind = target === undefined ? 'plain' : isMet(result) ? 'met' : 'missed'
  const length = (ratio * scale).toFixed(1)
  const barTop = y + (rowHeight - barHeight) / 2
  const baseline = y + rowHeight / 2 + 4
  const parts = [
    `<title>${escapeXml(`${title}: ${ratio.toFixed(2)} of the ${comparison}`)}</title>`,
    `<text x="${labelWidth - 10}" y="${baseline}" text-anchor="end">${escapeXml(title)}</text>`,
    `<rect class="${kind}" x="${labelWidth}" y="${barTop}" width="${length}" height="${barHeight}" rx="2"/>`,
    ...(target === undefined ? [] : [renderTarget(labelWidth + target.ratio * scale, y)]),
    `<text x="${labelWidth + plotWidth + 16}" y="${baseline}">${ratio.toFixed(2)}${markOf(result)}</text>`,
  ]
  return `  <g>\n${parts.map((part) => `    ${part}`).join('\n')}\n  </g>`
}

function renderTarget(x: number, y: number): string {
  const at = x.toFixed(1)
  return `<line class="target" x1="${at}" x2="${at}" y1="${y + 3}" y2="${y + rowHeight - 3}"/>`
}

function markOf(result: RowResult): string {
  if (result.target === undefined) return ''
  return isMet(result) ? ' met' : ' missed'
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
