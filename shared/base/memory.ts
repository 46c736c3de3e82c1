// Memory that is given back at once. The engine knows large buffers only as a few bytes each and lets 64 MiB of them
// pile up before it looks for garbage.

/** Smaller ones may share their memory with others, as Node's pool of buffers does. */
const discardedBytesMin = 256 * 1024

/** The caller made the bytes, or was given them for its own, and nobody looks at them any more. */
export function discard(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= discardedBytesMin) buffer.transfer(0)
}
