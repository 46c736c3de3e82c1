// `npm run dump-log`: prints the batches, the records and the footer of a segment or a flush, in the words of
// Kafka's own.

import { z } from 'zod'
import { dumpLines, type Line } from '../../compaction/dumpLines.ts'
import { readStoredFlushOrSegment } from '../../compaction/storedLog.ts'
import { renderPlace } from './place.ts'
import { runCommand } from './runCommand.ts'
import {
  askLines,
  atPlace,
  atServer,
  type InCluster,
  parseWhere,
  type ServerPlace,
  whereHelp,
  whereOptions,
  whereUsage,
} from './server.ts'

const help = `Prints what an object of a server, or of a cluster on AWS, holds.

  npm run dump-log -- <object name> ${whereUsage} [--print-data]

  <object name>      as npm run verify prints it: local/segment/…, local/log/…, or the id of an object or of
                     an inline item
${whereHelp}  --print-data       keys, values and headers too

The batches of a segment carry their offsets. Those of a flush do not: it is written before it is ordered.

Exit code: 0 all of it is valid, 1 it is damaged or not there, 2 wrong arguments.
`

const lineSchema = z.object({ text: z.string(), is_valid: z.boolean() })

await runCommand({
  help,
  argument: 'the object',
  options: { ...whereOptions, 'print-data': { type: 'boolean' } },
  parse: ({ 'print-data': printData = false, ...values }, name) => {
    return { place: parseWhere(values, process.env), printData, name }
  },
  run: ({ place, printData, name }) =>
    place.kind === 'server'
      ? atServer(place, (server) => print(linesOfServer(server, name, printData)))
      : atPlace(place, async (deps, known) => {
          const stored = await readStoredFlushOrSegment(deps, name)
          if (!stored) throw new Error(`There is no ${name} in ${renderPlace(known)}.`)
          return print(dumpLines(stored, printData))
        }),
})

async function print(lines: Iterable<Line> | AsyncIterable<Line>): Promise<number> {
  let isValid = true
  for await (const line of lines) {
    process.stdout.write(`${line.text}\n`)
    isValid &&= line.isValid
  }
  return isValid ? 0 : 1
}

async function* linesOfServer(
  server: InCluster<ServerPlace>,
  name: string,
  printsData: boolean,
): AsyncGenerator<Line> {
  const query = new URLSearchParams({ object_name: name, print_data: String(printsData) })
  for await (const line of askLines(server, `compaction:dump?${query}`)) {
    const { text, is_valid: isValid } = lineSchema.parse(line)
    yield { text, isValid }
  }
}
