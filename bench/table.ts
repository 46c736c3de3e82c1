// The results as lines of text.

import { type Figures, isMet, type RowResult } from './figures.ts'

const columns = ['req/s', 'MB/s', 'p50 ms', 'p99 ms'] as const
const titleWidth = 34
const figureWidth = 9
const groupWidth = columns.length * figureWidth

export const tableHead: string = [
  `${''.padEnd(titleWidth)}${'Millrace'.padStart(groupWidth)} |${'floor'.padStart(groupWidth)} |`,
  `${'row'.padEnd(titleWidth)}${titles()} |${titles()} |  ratio   target`,
].join('\n')

export function tableLine(result: RowResult): string {
  const floor = result.floor === undefined ? ''.padStart(groupWidth) : figures(result.floor)
  const ratio = result.ratio.toFixed(2).padStart(7)
  const measured = `${result.title.padEnd(titleWidth)}${figures(result.server)} |${floor} |`
  return `${measured}${ratio}   ${targetWords(result)}`
}

function targetWords(result: Pick<RowResult, 'ratio' | 'target'>): string {
  if (result.target === undefined) return ''
  const bound = `${result.target.kind === 'atLeast' ? '>=' : '<='} ${result.target.ratio}`
  return isMet(result) ? `${bound}  met` : `${bound}  MISSED`
}

function titles(): string {
  return columns.map((title) => title.padStart(figureWidth)).join('')
}

function figures({ requestsPerSecond, megabytesPerSecond, p50Ms, p99Ms }: Figures): string {
  const rates = [requestsPerSecond, megabytesPerSecond].map((rate) => rate.toFixed(rate < 100 ? 1 : 0))
  const times = [p50Ms, p99Ms].map((time) => time.toFixed(2))
  return [...rates, ...times].map((text) => text.padStart(figureWidth)).join('')
}
