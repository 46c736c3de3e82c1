// The compactor's function, invoked by the schedule and by itself.

import { openCompactorFunction } from '../../shared/runtime/openCompactor.ts'

export const handler = await openCompactorFunction()
