// Where the keys of an issuer may be fetched from. Whoever configures an issuer makes this service send requests: they
// go to public names over https, and nowhere else. What a name resolves to is looked at where the connection is made.

export interface IssuerNetwork {
  /** Issuers on this machine, over http, are allowed too: it is somebody's own. */
  readonly loopback: boolean
  /** The JSON at a URL that `issuerUrlProblem` finds nothing wrong with. Bounded in time and bytes; no redirects. */
  getJson(url: string): Promise<unknown>
}

const urlLengthMax = 512

/** What is wrong with it; undefined: nothing. */
export function issuerUrlProblem(
  text: string,
  { loopback }: Pick<IssuerNetwork, 'loopback'>,
): string | undefined {
  const url = text.length <= urlLengthMax && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return `must be a URL of at most ${urlLengthMax} characters`
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return 'must hold no user, no password and no fragment'
  }
  if (loopback && isLoopback(url.hostname) && /^https?:$/.test(url.protocol)) return undefined
  if (url.protocol !== 'https:') return 'must begin with https://'
  if (!isPublicName(url.hostname)) return 'must name a public host, not an address'
  return undefined
}

const isLoopback = (host: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(host)

/** Of at least two labels, the last one of letters: neither an address nor a name of this network alone. */
const isPublicName = (host: string): boolean =>
  /^(?=.{4,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)+(?!local$|internal$|localhost$)[a-z][a-z\d-]*[a-z\d]$/.test(
    host,
  )
