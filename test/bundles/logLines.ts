// What a function wrote to its log: structured lines and metrics.
interface Line {
  readonly timestamp?: string
  readonly level?: string
  readonly message?: string
  readonly _aws?: {
    readonly CloudWatchMetrics: readonly { readonly Metrics: readonly { readonly Name: string }[] }[]
  }
  readonly [name: string]: unknown
}

export interface Log {
  readonly lines: readonly Line[]
  readonly metrics: readonly Line[]
}

/** Fails where a line is no JSON. */
export function parseLog(text: string): Log {
  const all = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line))
  return { lines: all.filter(({ _aws }) => !_aws), metrics: all.filter(({ _aws }) => _aws) }
}
