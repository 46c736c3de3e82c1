// The two functions behind the front door, as Web Functions or as classic ones behind function URLs: the same app, the
// same roles, the same environment. Both kinds of endpoint are open to the network and answer only who has the secret
// of the front door; docs/adr/0007-front-door.md says why not IAM.

import { type Duration, Fn, type Stack } from 'aws-cdk-lib'
import type { IRole } from 'aws-cdk-lib/aws-iam'
import {
  ApplicationLogLevel,
  Code,
  Function as EventFunction,
  FunctionUrlAuthType,
  InvokeMode,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  WebFunction,
  WebFunctionAuthType,
  WebFunctionRuntime,
} from 'aws-cdk-lib/aws-lambda'
import type { ILogGroup } from 'aws-cdk-lib/aws-logs'
import { acknowledge, guard } from './acknowledge.ts'
import { bundleFile } from './bundle.ts'
import { codeDirectory } from './code.ts'
import { cost } from './cost.ts'
import type { StageSettings } from './settings.ts'
import { nameOf } from './stack.ts'
import { createWebCode } from './webCode.ts'

export interface HttpFunctionParts {
  readonly name: 'produce' | 'fetch'
  readonly role: IRole
  readonly logGroup: ILogGroup
  readonly environment: Record<string, string>
  /** How long one request may take. */
  readonly timeout: Duration
}

/** The host name that the front door calls. */
export type CreateHttpFunction = (parts: HttpFunctionParts) => string

/** The app goes by LOG_LEVEL. Lambda's own filter lets all through: metrics, which have no level, would stop there. */
export const applicationLogLevel = ApplicationLogLevel.TRACE

const refusal = 'the app answers 403, before anything else, to whoever has not the secret of the front door'

export const httpFunctions = (stack: Stack, settings: StageSettings): CreateHttpFunction =>
  settings.compute === 'web' ? webFunctions(stack, settings) : eventFunctions(stack, settings)

function webFunctions(stack: Stack, settings: StageSettings): CreateHttpFunction {
  const code = createWebCode(stack, settings)
  return ({ name, role, logGroup, environment, timeout }) => {
    const id = name === 'produce' ? 'Produce' : 'Fetch'
    const created = new WebFunction(stack, id, {
      webFunctionName: nameOf(settings.stage, name),
      code: code.codeOf(codeDirectory(stack, name)),
      runtime: WebFunctionRuntime.NODEJS_24_X,
      entryPoint: bundleFile,
      role,
      environment,
      logGroup,
      applicationLogLevel,
      systemLogLevel: SystemLogLevel.WARN,
      timeout,
      maxConcurrencyPerEnvironment: cost.concurrencyPerEnvironment,
      defaultEndpoint: { endpointName: 'live' },
      defaultEndpointAuth: WebFunctionAuthType.APPLICATION_MANAGED,
    })
    acknowledge(created, {
      '@aws-cdk/aws-lambda:webFunctionPublicEndpoint': refusal,
    })
    code.acknowledgeCopying()
    return created.endpoint.domainName
  }
}

function eventFunctions(stack: Stack, settings: StageSettings): CreateHttpFunction {
  return ({ name, role, logGroup, environment, timeout }) => {
    const id = name === 'produce' ? 'ProduceEvent' : 'FetchEvent'
    const created = new EventFunction(stack, id, {
      functionName: nameOf(settings.stage, name),
      code: Code.fromAsset(codeDirectory(stack, `${name}/classic`)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: cost.architecture,
      memorySize: cost.eventMemoryMb,
      role,
      environment,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: applicationLogLevel,
      systemLogLevelV2: SystemLogLevel.WARN,
      timeout,
    })
    const { url } = created.addFunctionUrl({
      authType: FunctionUrlAuthType.NONE,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    })
    acknowledge(created, {
      'Serverless-LambdaDLQ': 'a caller waits for every answer',
      'Serverless-LambdaTracing': 'the log has the trace id and the time of every storage call',
      [guard('lambda_function_public_access_prohibited_check')]: refusal,
      [guard('lambda_function_url_auth_check')]: refusal,
    })
    return Fn.select(2, Fn.split('/', url))
  }
}
