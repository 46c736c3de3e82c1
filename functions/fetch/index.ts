// Reads, and all administration, as a Web Function.

import { startWebFunction } from '../../shared/runtime/webFunction.ts'

await startWebFunction('fetch')
