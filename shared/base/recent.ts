// What is made once and then found again by name, as long as it is among the last that were asked for.

/** Of at most `entriesMax` names. */
export function createRecent<V>(entriesMax: number, make: (name: string) => V): (name: string) => V {
  const entries = new Map<string, { readonly value: V }>()
  return (name) => {
    const entry = entries.get(name) ?? { value: make(name) }
    entries.delete(name)
    entries.set(name, entry)
    const [oldest] = entries.size > entriesMax ? entries.keys() : []
    if (oldest !== undefined) entries.delete(oldest)
    return entry.value
  }
}
