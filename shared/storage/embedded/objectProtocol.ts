// What the embedded object store and its writer thread say to each other: a put is its bytes, which travel as a
// transferred buffer of their own, or, where they are many, a file that holds them already.

export interface PutOrder {
  readonly id: number
  /** Of the object; its folder may not be there yet. */
  readonly file: string
  readonly content:
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
    /** Below incoming/, whole; the thread removes it. */
    | { readonly kind: 'file'; readonly temporary: string }
}

export interface PutReply {
  readonly id: number
  readonly outcome: PutOutcome
}

export type PutOutcome =
  | { readonly kind: 'stored' | 'exists' }
  | { readonly kind: 'failed'; readonly effect: 'none' | 'unknown'; readonly message: string }

export interface WriterSettings {
  readonly stored: string
  readonly incoming: string
}
