// Whose bucket and table these are: written by the first process of a deployment, checked by every later one before it
// writes anything else.
//
//   the item     id       22 of base64url, random: the same in table and bucket
//                stage
//                schema   the version of all shapes below shared/metadata
//                bucket   the bucket that was marked with the id; absent until it is
//   the object   {"id", "stage", "schema"} as JSON

import type { Attributes, Item } from '../ports/table.ts'

export interface Deployment {
  readonly id: string
  readonly stage: string
  readonly schema: number
}

export interface DeploymentItem extends Deployment {
  readonly bucket: string | undefined
}

/** Raised by a change that earlier code cannot read. */
export const schemaVersion = 1

export const deploymentAttributes = ({ id, stage, schema }: Deployment): Attributes => ({ id, stage, schema })

/** undefined: it says nothing that this code understands. */
export function parseDeployment({ attributes }: Item): DeploymentItem | undefined {
  const { id, stage, schema, bucket } = attributes
  if (typeof id !== 'string' || typeof stage !== 'string' || typeof schema !== 'number') return undefined
  return { id, stage, schema, bucket: typeof bucket === 'string' ? bucket : undefined }
}

export const encodeMark = ({ id, stage, schema }: Deployment): Uint8Array =>
  new Uint8Array(Buffer.from(JSON.stringify({ id, stage, schema })))

/** A mark that is longer is none. */
export const markBytesMax = 1024
