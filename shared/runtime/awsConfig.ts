// The settings of a function on AWS, from the environment: parsed once; each refusal names the variable.

import { createSecretKey, hash, type KeyObject } from 'node:crypto'
import { createScope, type Scope } from '../metadata/scope.ts'
import { parsePrincipalMapping } from '../security/principalMapping.ts'
import type { Certificates } from '../service/authenticate.ts'
import { type LogLevel, logLevels } from './logger.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Region and credentials the AWS SDK finds by itself. */
export interface AwsConfig {
  readonly bucket: string
  readonly tableName: string
  readonly clusterId: string
  readonly scope: Scope
  readonly stage: string
  readonly logLevel: LogLevel
}

export interface AppConfig extends AwsConfig {
  /** What the front door adds to each request: each of them opens. */
  readonly originSecrets: readonly string[]
  /** Under which secrets of API keys are hashed. */
  readonly pepper: KeyObject
  /** Of a gateway that verifies clients' certificates; what they open is the stage's own cluster. */
  readonly certificates?: Certificates
}

export interface WebConfig extends AppConfig {
  readonly host: string
  readonly port: number
}

export interface CompactorConfig extends AwsConfig {
  /** Under which secrets of API keys are hashed. */
  readonly pepper: KeyObject
  /** Itself, for invocations of its own. */
  readonly functionName: string
  /** A deployment during a pass must not hand its partitions to other code. */
  readonly functionVersion: string
}

const variables = {
  BUCKET: 'the S3 bucket of the segments',
  TABLE: 'the DynamoDB table of the metadata',
  CLUSTER_ID: 'the cluster that is served',
  STAGE: 'the stage that bucket and table are of',
  ORIGIN_SECRET: 'what the front door adds to each request, two of them with a comma while it changes',
  PEPPER: 'the text under which secrets of API keys are hashed; whoever changes it ends all keys',
  AWS_LAMBDA_FUNCTION_NAME: 'Lambda sets it',
  AWS_LAMBDA_FUNCTION_VERSION: 'Lambda sets it',
  AWS_LAMBDA_HTTP_ENDPOINT: 'Lambda sets it for a Web Function',
}

const secretLengthMin = 32

export function parseCompactorConfig(environment: Environment): CompactorConfig {
  return {
    ...parseAwsConfig(environment),
    pepper: pepperIn(environment),
    functionName: text(environment, 'AWS_LAMBDA_FUNCTION_NAME'),
    functionVersion: text(environment, 'AWS_LAMBDA_FUNCTION_VERSION'),
  }
}

export function parseAppConfig(environment: Environment): AppConfig {
  const originSecrets = text(environment, 'ORIGIN_SECRET').split(',')
  for (const secret of originSecrets) checkLength('ORIGIN_SECRET', secret)
  const config = parseAwsConfig(environment)
  const certificates = certificatesOf(environment, config.clusterId)
  return { ...config, originSecrets, pepper: pepperIn(environment), ...(certificates && { certificates }) }
}

/** Whoever sets the header lets the gateway say who calls: it has to set it on every request, whatever came in. */
function certificatesOf(environment: Environment, clusterId: string): Certificates | undefined {
  const { CLIENT_CERT_SUBJECT_HEADER: header = '', SSL_PRINCIPAL_MAPPING_RULES: rules = 'DEFAULT' } =
    environment
  if (header === '') return undefined
  if (/^x-[\w-]{1,64}$/i.test(header)) return { header, mapSubject: mappingOf(rules), clusterId }
  throw new Error(
    `CLIENT_CERT_SUBJECT_HEADER is ${JSON.stringify(header)}: it takes a header that begins with x-.`,
  )
}

function mappingOf(rules: string): Certificates['mapSubject'] {
  try {
    return parsePrincipalMapping(rules)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`SSL_PRINCIPAL_MAPPING_RULES: ${message}.`, { cause })
  }
}

export function parseWebConfig(environment: Environment): WebConfig {
  const endpoint = text(environment, 'AWS_LAMBDA_HTTP_ENDPOINT')
  const [, host, port] = /^(?:http:\/\/)?(\[?[\w.:-]+\]?):(\d{1,5})$/.exec(endpoint) ?? []
  if (host === undefined) {
    throw new Error(`AWS_LAMBDA_HTTP_ENDPOINT is ${JSON.stringify(endpoint)}: it takes host:port.`)
  }
  return { ...parseAppConfig(environment), host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function parseAwsConfig(environment: Environment): AwsConfig {
  const clusterId = text(environment, 'CLUSTER_ID')
  return {
    bucket: text(environment, 'BUCKET'),
    tableName: text(environment, 'TABLE'),
    clusterId,
    scope: scopeOf(clusterId),
    stage: text(environment, 'STAGE'),
    logLevel: logLevelOf(environment.LOG_LEVEL ?? 'INFO'),
  }
}

function text(environment: Environment, name: keyof typeof variables): string {
  const value = environment[name]
  if (value === undefined || value === '') throw new Error(`${name} is missing: ${variables[name]}.`)
  return value
}

/** Of as many bytes as a pepper has, whatever the length of the text. */
export const pepperOf = (given: string): KeyObject => createSecretKey(hash('sha256', given, 'buffer'))

export function pepperIn(environment: Environment): KeyObject {
  const given = text(environment, 'PEPPER')
  checkLength('PEPPER', given)
  return pepperOf(given)
}

function checkLength(name: string, { length }: string): void {
  if (length >= secretLengthMin) return
  throw new Error(`${name} is too short: a secret has at least ${secretLengthMin} characters.`)
}

function logLevelOf(given: string): LogLevel {
  const level = logLevels.find((one) => one === given)
  if (level !== undefined) return level
  throw new Error(`LOG_LEVEL is ${JSON.stringify(given)}: it takes ${logLevels.join(', ')}.`)
}

function scopeOf(clusterId: string): Scope {
  try {
    return createScope(clusterId)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`CLUSTER_ID is ${JSON.stringify(clusterId)}: ${message}.`, { cause })
  }
}
