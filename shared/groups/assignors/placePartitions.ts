// Which partitions a member holds when it is known how many: of those that it held it keeps the longest runs of
// consecutive ones; what is free goes first to the neighbours' owners, so that their runs grow, then in long pieces to
// those who still lack some.

interface Run {
  readonly start: number
  length: number
}

/**
 * `held` are the holders until now, in the order of the partitions; `counts` says how many each member is to hold, all
 * together as many as there are partitions.
 */
export function placePartitions<M>(
  held: readonly (M | undefined)[],
  members: readonly M[],
  counts: ReadonlyMap<M, number>,
): readonly (M | undefined)[] {
  const owners: (M | undefined)[] = held.map(() => undefined)
  const lacking = new Map(members.map((member) => [member, counts.get(member) ?? 0]))
  const own = (at: number, member: M): void => {
    owners[at] = member
    lacking.set(member, (lacking.get(member) ?? 0) - 1)
  }
  for (const [member, runs] of runsOf(held)) {
    for (const at of longest(runs, lacking.get(member) ?? 0)) own(at, member)
  }
  const joinNeighbour = (at: number, neighbour: number): void => {
    const member = owners[neighbour]
    if (owners[at] === undefined && member !== undefined && lacking.get(member)) own(at, member)
  }
  for (let at = 1; at < owners.length; at++) joinNeighbour(at, at - 1)
  for (let at = owners.length - 2; at >= 0; at--) joinNeighbour(at, at + 1)
  let at = 0
  for (const member of members) {
    for (; lacking.get(member); at++) if (owners[at] === undefined) own(at, member)
  }
  return owners
}

function runsOf<M>(held: readonly (M | undefined)[]): Map<M, Run[]> {
  const runs = new Map<M, Run[]>()
  for (const [at, member] of held.entries()) {
    if (member === undefined) continue
    const own = runs.get(member)
    const last = own?.at(-1)
    if (last && last.start + last.length === at) last.length++
    else if (own) own.push({ start: at, length: 1 })
    else runs.set(member, [{ start: at, length: 1 }])
  }
  return runs
}

/** The first `count` of them, the longest runs first. */
function* longest(runs: readonly Run[], count: number): Generator<number> {
  let left = count
  for (const { start, length } of runs.toSorted((a, b) => b.length - a.length || a.start - b.start)) {
    for (let at = start; at < start + length && left > 0; at++, left--) yield at
  }
}
