// What let a call begin. A call of an authorised cluster asks for its rights before anything else, so that they have
// been asked when its promise is there: the first yes until then is that of the right which the call is known by.

import { type Decision, isGranted, type Rights } from './ask.ts'

/** `grant`: undefined where there was none. */
export type Begin = <T>(work: () => Promise<T>) => { readonly running: Promise<T>; readonly grant: Decision }

export interface Grants {
  watch(rights: Rights): Rights
  readonly begin: Begin
}

export function createGrants(): Grants {
  let grant: Decision
  return {
    watch: (rights) => ({
      ...rights,
      decide(operation, resource) {
        const decision = rights.decide(operation, resource)
        if (grant === undefined && isGranted(decision)) grant = decision
        return decision
      },
    }),
    begin(work) {
      grant = undefined
      const running = work()
      return { running, grant }
    },
  }
}
