// `npm run dump-log`: prints the batches, the records and the footer of a segment or a flush, in the words of
// Kafka's own.

import { dumpLines } from './dumpLines.ts'
import { parsePlace, placeHelp, placeOptions, placeUsage, renderPlace, withPlace } from './place.ts'
import { runCommand } from './runCommand.ts'
import { readStoredFlushOrSegment } from './storedLog.ts'

const help = `Prints what an object of a stopped server, or of a cluster on AWS, holds.

  npm run dump-log -- <object name> ${placeUsage} [--print-data]

  <object name>      as npm run verify prints it: local/segment/…, local/log/…, or the id of an object or of
                     an inline item
${placeHelp}  --print-data       keys, values and headers too

The batches of a segment carry their offsets. Those of a flush do not: it is written before it is ordered.

Exit code: 0 all of it is valid, 1 it is damaged or not there, 2 wrong arguments.
`

await runCommand({
  help,
  argument: 'the object',
  options: { ...placeOptions, 'print-data': { type: 'boolean' } },
  parse: ({ 'print-data': printData = false, ...values }, name) => {
    return { place: parsePlace(values, process.env), printData, name }
  },
  run: ({ place, printData, name }) =>
    withPlace(place, async (deps) => {
      const stored = await readStoredFlushOrSegment(deps, name)
      if (!stored) throw new Error(`There is no ${name} in ${renderPlace(place)}.`)
      let isValid = true
      for (const line of dumpLines(stored, printData)) {
        process.stdout.write(`${line.text}\n`)
        isValid &&= line.isValid
      }
      return isValid ? 0 : 1
    }),
})
