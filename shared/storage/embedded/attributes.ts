// How an item's attributes are stored in the embedded table's BLOB:
//
//   version  1 byte    1
//   value    the rest  the attributes as Node's v8.serialize writes them; its own header says in which form,
//                      and every later Node reads the earlier forms
//
// Refuses any other version: it was written by a later Millrace.
import { deserialize, serialize } from 'node:v8'
import { invariant } from '../../base/errors.ts'
import type { Attributes } from '../../ports/table.ts'

const version = 1

export const encodeAttributes = (attributes: Attributes): Uint8Array => {
  const value = serialize(attributes)
  const blob = new Uint8Array(1 + value.byteLength)
  blob[0] = version
  blob.set(value, 1)
  return blob
}

export const decodeAttributes = (blob: unknown): Attributes => {
  invariant(blob instanceof Uint8Array, 'the attributes of a stored item are bytes')
  invariant(blob[0] === version, `the attributes of a stored item have version ${version}, not ${blob[0]}`)
  return deserialize(blob.subarray(1)) as Attributes
}
