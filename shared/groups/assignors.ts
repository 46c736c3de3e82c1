// The assignors by the names that Kafka gives them.

import type { Assignor } from './assignors/assignor.ts'
import { assignRange } from './assignors/range.ts'
import { assignUniform } from './assignors/uniform.ts'
import type { AssignorName } from './heartbeat.ts'

export const assignors: Readonly<Record<AssignorName, Assignor>> = {
  uniform: assignUniform,
  range: assignRange,
}
