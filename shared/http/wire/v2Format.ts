// The v2 dialect's formats of keys and values, by the media type that asks for them.

export type V2Format = 'binary' | 'json' | 'text'

export const v2Formats: ReadonlyMap<string, V2Format> = new Map([
  ['application/vnd.kafka.json.v2+json', 'json'],
  ['application/vnd.kafka.binary.v2+json', 'binary'],
  ['application/vnd.kafka.text.v2+json', 'text'],
])
