// The local server's settings, from the environment: parsed once, each refusal names the variable and what it takes.

export interface LocalConfig {
  readonly host: string
  readonly port: number
  readonly dataDirectory: string
  readonly bodyBytesMax: number
  readonly lingerMs: number
  readonly numPartitions: number
  readonly autoCreateTopics: boolean
  /** 0: the compactor runs only when it is asked to. */
  readonly compactionIntervalMs: number
  readonly dedupeBufferBytes: number
  readonly groups: { readonly sessionTimeoutMs: number; readonly heartbeatIntervalMs: number }
  /** Only holders of API keys are served. */
  readonly secure: boolean
  /** Files of PEM; undefined: plain HTTP. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
}

interface Variable {
  readonly name: string
  readonly defaultValue: string
  readonly words: string
}

const variables = {
  host: {
    name: 'HOST',
    defaultValue: '127.0.0.1',
    words: 'address to listen on; others than loopback addresses want SECURE=true and TLS',
  },
  port: { name: 'PORT', defaultValue: '8082', words: 'port to listen on; 0 lets the system choose' },
  data: { name: 'DATA_DIR', defaultValue: './data', words: 'folder of the log; made where it is missing' },
  body: {
    name: 'BODY_BYTES_MAX',
    defaultValue: '20971520',
    words: 'largest request body in bytes; a larger one is answered with 413 before it is read',
  },
  linger: {
    name: 'LINGER_MS',
    defaultValue: '0',
    words: 'how long an append waits for others to share its flush; more is fewer, larger objects',
  },
  partitions: {
    name: 'NUM_PARTITIONS',
    defaultValue: '1',
    words: 'partitions of a topic that is created without saying how many',
  },
  autoCreate: {
    name: 'AUTO_CREATE_TOPICS_ENABLE',
    defaultValue: 'false',
    words: 'create an unknown topic when something is produced to it',
  },
  compactionInterval: {
    name: 'COMPACTION_INTERVAL_MS',
    defaultValue: '30000',
    words: 'from one pass of the compactor to the next; 0: it runs only when it is asked to',
  },
  dedupeBuffer: {
    name: 'LOG_CLEANER_DEDUPE_BUFFER_SIZE',
    defaultValue: '33554432',
    words: 'bytes of memory in which compaction by key tells keys apart, 27 a key; more is fewer passes',
  },
  session: {
    name: 'GROUP_CONSUMER_SESSION_TIMEOUT_MS',
    defaultValue: '45000',
    words: 'silence after which a member of a consumer group has left it',
  },
  heartbeat: {
    name: 'GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS',
    defaultValue: '5000',
    words: 'from one heartbeat of a member to the next; a fraction of its session',
  },
  secure: {
    name: 'SECURE',
    defaultValue: 'false',
    words: 'serve only holders of API keys; the first start prints the first key; --secure is the same',
  },
  certificate: {
    name: 'TLS_CERT_FILE',
    defaultValue: '',
    words: 'certificate chain in PEM: serve HTTPS',
  },
  key: { name: 'TLS_KEY_FILE', defaultValue: '', words: 'its private key in PEM' },
} satisfies Record<string, Variable>

const dayMs = 24 * 3600_000
const mebibyte = 1024 * 1024

export type Environment = Readonly<Record<string, string | undefined>>

export function parseLocalConfig(environment: Environment): LocalConfig {
  const text = ({ name, defaultValue }: Variable) => environment[name] ?? defaultValue
  const secure = boolean(variables.secure, text(variables.secure))
  const tls = tlsFiles(text(variables.certificate), text(variables.key))
  const host = text(variables.host)
  if (!secure || tls === undefined) requireLoopback(host)
  return {
    host,
    secure,
    tls,
    port: integer(variables.port, text(variables.port), 0, 65_535),
    dataDirectory: text(variables.data),
    bodyBytesMax: integer(variables.body, text(variables.body), 1024, 1024 ** 3),
    lingerMs: integer(variables.linger, text(variables.linger), 0, 10_000),
    numPartitions: integer(variables.partitions, text(variables.partitions), 1, 1536),
    autoCreateTopics: boolean(variables.autoCreate, text(variables.autoCreate)),
    compactionIntervalMs: integer(variables.compactionInterval, text(variables.compactionInterval), 0, dayMs),
    dedupeBufferBytes: integer(
      variables.dedupeBuffer,
      text(variables.dedupeBuffer),
      mebibyte,
      1024 * mebibyte,
    ),
    groups: {
      sessionTimeoutMs: integer(variables.session, text(variables.session), 1000, 3600_000),
      heartbeatIntervalMs: integer(variables.heartbeat, text(variables.heartbeat), 100, 60_000),
    },
  }
}

export function localConfigHelp(): string {
  const lines = Object.values(variables).map(({ name, defaultValue, words }) => {
    return `  ${name.padEnd(38)}${words} (${defaultValue})`
  })
  return ['Settings, from the environment:', ...lines].join('\n')
}

/** Without authentication whoever reaches the server is its owner; without TLS others can read a secret on its way. */
function requireLoopback(host: string): void {
  if (host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)) return
  throw new Error(
    `HOST is ${JSON.stringify(host)}: without SECURE=true and TLS_CERT_FILE Millrace listens on loopback addresses ` +
      'only (127.0.0.1, ::1 or localhost).',
  )
}

function tlsFiles(certificate: string, key: string): LocalConfig['tls'] {
  if (certificate === '' && key === '') return undefined
  if (certificate !== '' && key !== '') return { certificate, key }
  throw new Error('TLS_CERT_FILE and TLS_KEY_FILE go together: one of them is missing.')
}

function integer({ name }: Variable, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`${name} is ${JSON.stringify(text)}: it takes a whole number from ${min} to ${max}.`)
}

function boolean({ name }: Variable, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new Error(`${name} is ${JSON.stringify(text)}: it takes true or false.`)
}
