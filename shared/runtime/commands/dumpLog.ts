// `npm run dump-log`: prints the batches, the records and the footer of a segment or a flush, in the words of
// Kafka's own.

import { withDataFolder } from '../dataFolder.ts'
import { dumpLines } from './dumpLines.ts'
import { runCommand } from './runCommand.ts'
import { readStoredFlushOrSegment } from './storedLog.ts'

const help = `Prints what an object of a stopped server holds.

  npm run dump-log -- <object name> [--data ./data] [--print-data]

  <object name>    as npm run verify prints it: local/segment/…, local/log/…, or the id of an object or of
                   an inline item
  --data <folder>  data folder of the server (./data)
  --print-data     keys, values and headers too

The batches of a segment carry their offsets. Those of a flush do not: it is written before it is ordered.

Exit code: 0 all of it is valid, 1 it is damaged or not there, 2 wrong arguments.
`

await runCommand({
  help,
  argument: 'the object',
  options: { data: { type: 'string' }, 'print-data': { type: 'boolean' } },
  parse: ({ data = './data', 'print-data': printData = false }, name) => ({ data, printData, name }),
  run: ({ data, printData, name }) =>
    withDataFolder(data, async (deps) => {
      const stored = await readStoredFlushOrSegment(deps, name)
      if (!stored) throw new Error(`There is no ${name} in ${data}.`)
      let isValid = true
      for (const line of dumpLines(stored, printData)) {
        process.stdout.write(`${line.text}\n`)
        isValid &&= line.isValid
      }
      return isValid ? 0 : 1
    }),
})
