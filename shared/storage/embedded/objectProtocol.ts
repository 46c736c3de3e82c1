// What the embedded object store and its writer thread say to each other: one message a put, one reply for each of a
// group. The bytes travel as a transferred buffer of their own.

export interface PutRequest {
  readonly id: number
  /** Of the object; its folder may not be there yet. */
  readonly file: string
  readonly bytes: Uint8Array<ArrayBuffer>
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
