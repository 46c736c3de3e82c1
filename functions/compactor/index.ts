// The compactor's function, invoked by the schedule and by itself.

import { openCompactorFunction } from '../../shared/runtime/aws.ts'

export const handler = openCompactorFunction()
