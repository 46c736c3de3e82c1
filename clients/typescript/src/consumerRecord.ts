// A record as the application gets it, and as the service writes it.

import { bytesOfBase64, textOf } from './bytes.ts'
import type { TopicPartition } from './topicPartition.ts'

export interface ConsumerRecord extends TopicPartition {
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]
  keyText(): string | null
  /** The value, read as UTF-8. */
  text(): string | null
  /** The value, parsed; null where there is none. */
  json<T = unknown>(): T | null
}

export interface RecordWire {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly { readonly key: string; readonly value: string | null }[]
}

export function recordOf({ topic, partition }: TopicPartition, wire: RecordWire): ConsumerRecord {
  const { offset, timestamp } = wire
  const [key, value] = [bytesOf(wire.key), bytesOf(wire.value)]
  const text = () => value && textOf(value)
  return {
    topic,
    partition,
    offset,
    timestamp,
    key,
    value,
    headers: wire.headers.map((header) => ({ key: header.key, value: bytesOf(header.value) })),
    keyText: () => key && textOf(key),
    text,
    json() {
      const said = text()
      return said === null ? null : JSON.parse(said)
    },
  }
}

const bytesOf = (base64: string | null): Uint8Array | null => (base64 === null ? null : bytesOfBase64(base64))
