// The object port's rules about its arguments, for every adapter: names, ranges and page limits. What breaks
// them is a mistake of our own. A name that kept them is a safe path below a folder.
import { invariant } from '../base/errors.ts'

const nameBytesMax = 1024
/** Leaves a file system's 255 room for a mark. */
const segmentBytesMax = 240
const pageObjectsMax = 1000

export const checkObjectName = (name: string): void => {
  invariant(name.length <= nameBytesMax, `an object's name has at most ${nameBytesMax} bytes`)
  for (const segment of name.split('/')) {
    invariant(isSegment(segment), `a segment of an object's name is not "${segment}": ${name}`)
  }
}

export const checkObjectRange = (start: number, length: number): void => {
  invariant(Number.isSafeInteger(start) && start >= 0, `a range starts at 0 or later, not ${start}`)
  invariant(Number.isSafeInteger(length) && length >= 1, `a range has at least 1 byte, not ${length}`)
  invariant(Number.isSafeInteger(start + length), `a range ends at a safe integer, not ${start + length}`)
}

/** The prefix's last segment may be cut anywhere. */
export const checkObjectList = (prefix: string, limit: number): void => {
  invariant(/^[A-Za-z0-9._/-]*$/.test(prefix), `a prefix of object names is not "${prefix}"`)
  for (const segment of prefix.split('/').slice(0, -1)) {
    invariant(isSegment(segment), `a segment of an object's name is not "${segment}": ${prefix}`)
  }
  invariant(
    Number.isSafeInteger(limit) && limit >= 1 && limit <= pageObjectsMax,
    `a page of objects has 1 to ${pageObjectsMax}, not ${limit}`,
  )
}

const isSegment = (segment: string): boolean =>
  /^[A-Za-z0-9._-]+$/.test(segment) &&
  segment !== '.' &&
  segment !== '..' &&
  segment.length <= segmentBytesMax
