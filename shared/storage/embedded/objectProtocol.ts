// What the embedded object store and its writer thread say to each other: a put is one piece, or several of which each
// waits for the reply to the one before it, so that no more than a piece of it is there twice. The bytes travel as a
// transferred buffer of their own.

export interface PutPiece {
  readonly id: number
  /** Of the object; its folder may not be there yet. */
  readonly file: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly isLast: boolean
}

export interface PutReply {
  readonly id: number
  readonly outcome: PutOutcome
}

export type PutOutcome =
  | { readonly kind: 'stored' | 'exists' }
  /** The next piece may come. */
  | { readonly kind: 'written' }
  | { readonly kind: 'failed'; readonly effect: 'none' | 'unknown'; readonly message: string }

export interface WriterSettings {
  readonly stored: string
  readonly incoming: string
}
