// Appends, as a Web Function.

import { startWebFunction } from '../../shared/runtime/webFunction.ts'

await startWebFunction('produce')
