// The settings of a function on AWS, from the environment: parsed once; a missing one is refused by its name.

import { createScope, type Scope } from '../metadata/scope.ts'

export interface AwsConfig {
  readonly bucket: string
  readonly tableName: string
  readonly scope: Scope
  /** Itself, for invocations of its own. */
  readonly functionName: string
  /** A deployment during a pass must not hand its partitions to other code. */
  readonly functionVersion: string
}

/** Region and credentials the AWS SDK finds by itself. */
export function parseAwsConfig(environment: Readonly<Record<string, string | undefined>>): AwsConfig {
  const text = (name: keyof typeof variables): string => {
    const value = environment[name]
    if (value === undefined || value === '') throw new Error(`${name} is missing: ${variables[name]}.`)
    return value
  }
  return {
    bucket: text('BUCKET'),
    tableName: text('TABLE'),
    scope: scopeOf(text('CLUSTER_ID')),
    functionName: text('AWS_LAMBDA_FUNCTION_NAME'),
    functionVersion: text('AWS_LAMBDA_FUNCTION_VERSION'),
  }
}

const variables = {
  BUCKET: 'the S3 bucket of the segments',
  TABLE: 'the DynamoDB table of the metadata',
  CLUSTER_ID: 'the cluster that is worked on',
  AWS_LAMBDA_FUNCTION_NAME: 'Lambda sets it',
  AWS_LAMBDA_FUNCTION_VERSION: 'Lambda sets it',
}

function scopeOf(clusterId: string): Scope {
  try {
    return createScope(clusterId)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`CLUSTER_ID is ${JSON.stringify(clusterId)}: ${message}.`, { cause })
  }
}
