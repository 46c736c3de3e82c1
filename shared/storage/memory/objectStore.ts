// The object port in memory, for tests and the simulation. Parts are copied into one array when they are put,
// and a range is a copy of its bytes. Who puts the same bytes again is told "stored", as by S3's adapter.
import { invariant } from '../../base/errors.ts'
import type { ObjectPage, ObjectStore } from '../../ports/objectStore.ts'
import { checkObjectList, checkObjectName, checkObjectRange } from '../objectName.ts'
import { lowerBound } from '../query.ts'

export const createMemoryObjectStore = (): ObjectStore => {
  const objects = new Map<string, Uint8Array>()
  const names: string[] = []

  const putIfAbsent = (name: string, parts: readonly Uint8Array[]): 'stored' | 'exists' => {
    checkObjectName(name)
    const bytes = joined(parts)
    const found = objects.get(name)
    if (found !== undefined) return Buffer.compare(found, bytes) === 0 ? 'stored' : 'exists'
    objects.set(name, bytes)
    names.splice(lowerBound(names, name), 0, name)
    return 'stored'
  }

  const getRange = (name: string, start: number, length: number): Uint8Array | undefined => {
    checkObjectName(name)
    checkObjectRange(start, length)
    return objects.get(name)?.slice(start, start + length)
  }

  const list = (prefix: string, after: string | undefined, limit: number): ObjectPage => {
    checkObjectList(prefix, limit)
    const isAfter = after !== undefined && after >= prefix
    const start = lowerBound(names, isAfter ? `${after}\0` : prefix)
    const page: { name: string; size: number }[] = []
    for (let at = start; at < names.length && page.length < limit; at += 1) {
      const name = names[at] ?? ''
      if (!name.startsWith(prefix)) break
      const bytes = objects.get(name)
      invariant(bytes !== undefined, 'every name has an object')
      page.push({ name, size: bytes.byteLength })
    }
    return { objects: page, next: page.length === limit ? page.at(-1)?.name : undefined }
  }

  const remove = (name: string): void => {
    checkObjectName(name)
    if (objects.delete(name)) names.splice(lowerBound(names, name), 1)
  }

  return {
    putIfAbsent: async (name, parts) => putIfAbsent(name, parts),
    getRange: async (name, start, length) => getRange(name, start, length),
    list: async (prefix, { after, limit }) => list(prefix, after, limit),
    delete: async (removed) => {
      for (const name of removed) remove(name)
    },
  }
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}
