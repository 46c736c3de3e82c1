// `npm run diagram`: draws docs/architecture.svg from docs/architecture.dot, with Graphviz as WebAssembly.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { instance } from '@viz-js/viz'

const text = fileURLToPath(new URL('../docs/architecture.dot', import.meta.url))
export const picture = fileURLToPath(new URL('../docs/architecture.svg', import.meta.url))

export async function drawDiagram(): Promise<string> {
  const viz = await instance()
  return viz.renderString(readFileSync(text, 'utf8'), { format: 'svg' })
}

if (import.meta.main) writeFileSync(picture, await drawDiagram())
