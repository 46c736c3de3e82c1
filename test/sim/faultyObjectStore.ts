// The object store as one process sees it: every call travels by courier.
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import { type Courier, carry } from './courier.ts'

export function createFaultyObjectStore(objects: ObjectStore, courier: Courier): ObjectStore {
  return {
    putIfAbsent: (name, parts) =>
      carry(courier, {
        kind: 'object',
        isWrite: true,
        label: `putIfAbsent ${name}`,
        apply: () => objects.putIfAbsent(name, parts),
        describe: (outcome) => (outcome === 'stored' ? 'ok' : outcome),
      }),
    getRange: (name, start, length) =>
      carry(courier, {
        kind: 'object',
        isWrite: false,
        label: `getRange ${name} ${start}+${length}`,
        apply: () => objects.getRange(name, start, length),
        describe: (bytes) => `${bytes?.length ?? 'no'} bytes`,
      }),
    list: (prefix, page) =>
      carry(courier, {
        kind: 'object',
        isWrite: false,
        label: `list ${prefix}`,
        apply: () => objects.list(prefix, page),
        describe: (listed) => `${listed.objects.length} objects`,
      }),
    delete: (names) =>
      carry(courier, {
        kind: 'object',
        isWrite: true,
        label: `delete ${names.join()}`,
        apply: () => objects.delete(names),
        describe: () => 'ok',
      }),
  }
}
