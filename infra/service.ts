// What answers requests: two functions, their roles, the secret between front door and functions, the front door.

import { CfnOutput, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib'
import type { Distribution } from 'aws-cdk-lib/aws-cloudfront'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import { requestMsMax } from '../shared/runtime/computeLimits.ts'
import { acknowledge } from './acknowledge.ts'
import { httpFunctions } from './compute.ts'
import type { Data } from './data.ts'
import { functionEnvironment, originSecretVariable, pepperVariable } from './environment.ts'
import { createFrontDoor } from './frontDoor.ts'
import { createLogGroup } from './logs.ts'
import { createFetchRole, createProduceRole } from './roles.ts'
import type { StageSettings } from './settings.ts'
import { stackOf } from './stack.ts'

export interface Service {
  readonly stack: Stack
  readonly baseUrl: string
  readonly distribution: Distribution
  readonly logGroups: Readonly<Record<'produce' | 'fetch', LogGroup>>
}

export function createService(scope: Construct, settings: StageSettings, data: Data): Service {
  const stack = stackOf(scope, 'service', settings, 'functions and front door')
  stack.addStackDependency(data.stack)
  const secrets = createOriginSecrets(stack, settings)
  const environment = {
    ...functionEnvironment(data, settings),
    [originSecretVariable]: secrets.join(','),
    [pepperVariable]: data.pepper,
  }
  const createFunction = httpFunctions(stack, settings)
  const produceLogs = createLogGroup(stack, 'ProduceLogs', 'produce', settings)
  const fetchLogs = createLogGroup(stack, 'FetchLogs', 'fetch', settings)
  const produce = createFunction({
    name: 'produce',
    role: createProduceRole(stack, data, produceLogs),
    logGroup: produceLogs,
    environment,
    timeout: Duration.millis(requestMsMax.produce),
  })
  const fetch = createFunction({
    name: 'fetch',
    role: createFetchRole(stack, data, fetchLogs),
    logGroup: fetchLogs,
    environment,
    timeout: Duration.millis(requestMsMax.fetch),
  })
  const [secret = ''] = secrets
  const distribution = createFrontDoor(stack, settings, { produce, fetch, secret })
  const baseUrl = `https://${settings.domain?.name ?? distribution.distributionDomainName}`
  printOutputs(stack, settings, baseUrl, distribution)
  return { stack, baseUrl, distribution, logGroups: { produce: produceLogs, fetch: fetchLogs } }
}

/**
 * The current secret first, then the one before: the functions are updated before the distribution, so that a rotation
 * refuses nobody. CloudFormation resolves them; templates hold references.
 */
function createOriginSecrets(stack: Stack, { stage, originSecretGeneration }: StageSettings): string[] {
  const generations = [originSecretGeneration, originSecretGeneration - 1].filter(
    (generation) => generation > 0,
  )
  return generations.map((generation) => {
    const secret = new Secret(stack, `OriginSecret${generation}`, {
      description: `Millrace ${stage}: what the front door shows to the functions`,
      generateSecretString: { excludePunctuation: true, passwordLength: 48 },
      removalPolicy: RemovalPolicy.DESTROY,
    })
    acknowledge(secret, {
      'AwsSolutions-SMG4': 'a deployment rotates it: the setting originSecretGeneration',
    })
    return secret.secretValue.unsafeUnwrap()
  })
}

function printOutputs(
  stack: Stack,
  { stage, domain }: StageSettings,
  baseUrl: string,
  front: Distribution,
): void {
  new CfnOutput(stack, 'BaseUrl', { value: baseUrl, description: 'where clients send everything' })
  new CfnOutput(stack, 'FirstApiKey', {
    value: `npm run api-key -- --stage ${stage}`,
    description: 'makes an API key of an operator and prints it once',
  })
  if (domain === undefined) return
  new CfnOutput(stack, 'DomainTarget', {
    value: front.distributionDomainName,
    description: `point a CNAME or alias record of ${domain.name} here`,
  })
}
