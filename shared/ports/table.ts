// The table port: items under (pk, sk), strongly consistent, with conditions and updates as data so that rules live
// once. DynamoDB compiles them to expressions, the other adapters evaluate them. Adapters hold no rules of the log.
// Limits are DynamoDB's and every adapter keeps them: an item of at most 400 KB, 100 writes and 4 MB a transaction,
// pages of at most 1 MB.

/** Numbers are safe integers. Binary values compare and sort as unsigned bytes. */
export type Scalar = string | number | Uint8Array
export type Attribute = Scalar | readonly Scalar[]
export type Attributes = Readonly<Record<string, Attribute>>

export interface ItemKey {
  readonly pk: string
  readonly sk: string
}

export interface Item {
  readonly key: ItemKey
  readonly attributes: Attributes
}

export type Condition =
  | { readonly kind: 'itemExists' }
  | { readonly kind: 'itemAbsent' }
  | { readonly kind: 'exists'; readonly attribute: string }
  | { readonly kind: 'absent'; readonly attribute: string }
  | { readonly kind: 'equals'; readonly attribute: string; readonly value: Scalar }
  | { readonly kind: 'beginsWith'; readonly attribute: string; readonly value: Uint8Array | string }
  /** attribute < value; false where the attribute is absent. */
  | { readonly kind: 'below'; readonly attribute: string; readonly value: number }
  /** attribute >= value; false where the attribute is absent. */
  | { readonly kind: 'atLeast'; readonly attribute: string; readonly value: number }
  /** The first element of a list equals value; false where the list is absent or empty. */
  | { readonly kind: 'firstEquals'; readonly attribute: string; readonly value: Scalar }
  /** A list has fewer elements than value; false where the list is absent. */
  | { readonly kind: 'lengthBelow'; readonly attribute: string; readonly value: number }

/** What an update does. An attribute is named by at most one action; every action sees the item as it was before. */
export type Action =
  | { readonly kind: 'set'; readonly attribute: string; readonly value: Attribute }
  /** attribute + value, where an absent attribute counts as 0. */
  | { readonly kind: 'add'; readonly attribute: string; readonly value: number }
  /** values after the list's last element, where an absent attribute counts as an empty list. */
  | { readonly kind: 'append'; readonly attribute: string; readonly values: readonly Scalar[] }
  /** Takes the first `count` elements off a list; taking more than there are leaves an empty list. */
  | { readonly kind: 'removeFirst'; readonly attribute: string; readonly count: number }
  | { readonly kind: 'remove'; readonly attribute: string }

export type Write =
  | {
      readonly kind: 'put'
      readonly key: ItemKey
      readonly attributes: Attributes
      readonly when?: readonly Condition[]
    }
  | {
      readonly kind: 'update'
      readonly key: ItemKey
      readonly actions: readonly Action[]
      readonly when?: readonly Condition[]
    }
  | { readonly kind: 'delete'; readonly key: ItemKey; readonly when?: readonly Condition[] }

/** In a transaction also a condition alone. */
export type TransactWrite =
  | Write
  | { readonly kind: 'check'; readonly key: ItemKey; readonly when: readonly Condition[] }

/**
 * `updated` holds, after an update, the new values of the attributes it named ({} otherwise). A refusal is a value, not
 * an exception, and carries the item that refused it (undefined: there is no such item), so that nobody reads again.
 */
export type WriteOutcome =
  | { readonly ok: true; readonly updated: Attributes }
  | { readonly ok: false; readonly current: Item | undefined }

export type TransactOutcome =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly failed: readonly { readonly index: number; readonly current: Item | undefined }[]
    }

export interface Query {
  readonly pk: string
  /** Only sort keys that begin with this. */
  readonly prefix?: string
  /** Inclusive bounds of the sort key. `prefix` goes with neither. */
  readonly from?: string
  readonly to?: string
  readonly descending?: boolean
  /** At most this many items (and never more than 1 MB of them: then `next` says where to go on). */
  readonly limit: number
  /** `next` of the page before. */
  readonly after?: string
}

export interface Page {
  readonly items: readonly Item[]
  /** Sort key of the last item read, where there may be more. */
  readonly next: string | undefined
}

/** Every call throws StorageError where the storage fails: effect "none" or "unknown". */
export interface Table {
  get(key: ItemKey): Promise<Item | undefined>
  query(query: Query): Promise<Page>
  write(write: Write): Promise<WriteOutcome>
  /** All or nothing; every key at most once. */
  transact(writes: readonly TransactWrite[]): Promise<TransactOutcome>
}
