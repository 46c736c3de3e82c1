// The object port: immutable objects under names that are never used again. A name is '/'-separated segments of
// [A-Za-z0-9._-]; no segment is empty, '.' or '..'. Bytes handed in are not changed by anybody until the answer.

export interface ObjectPage {
  /** In the order of their names (by UTF-8 bytes). */
  readonly objects: readonly { readonly name: string; readonly size: number }[]
  /** Name of the last object listed, where there may be more. */
  readonly next: string | undefined
}

/** Every call throws StorageError where the storage fails: effect "none" or "unknown". */
export interface ObjectStore {
  /** Stores the parts, one after the other, as one object; durable when it answers. "exists": nothing was changed. */
  putIfAbsent(name: string, parts: readonly Uint8Array[]): Promise<'stored' | 'exists'>
  /**
   * Bytes [start, start + length), fewer where the object ends before; undefined where there is no such object. They
   * are the caller's own.
   */
  getRange(name: string, start: number, length: number): Promise<Uint8Array | undefined>
  list(prefix: string, page: { readonly after?: string; readonly limit: number }): Promise<ObjectPage>
  /** Names that do not exist are no error. */
  delete(names: readonly string[]): Promise<void>
}
