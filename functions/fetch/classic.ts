// Reads, and all administration, as a classic function behind a function URL.

import { openClassicFunction } from '../../shared/runtime/classicFunction.ts'

export const handler = await openClassicFunction('fetch')
