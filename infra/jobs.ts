// The compactor: its function, the schedule that wakes it, the queue for events that it failed on.

import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib'
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Code,
  Function as EventFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import { acknowledge, guard } from './acknowledge.ts'
import { codeDirectory } from './code.ts'
import { applicationLogLevel } from './compute.ts'
import { cost } from './cost.ts'
import type { Data } from './data.ts'
import { functionEnvironment, pepperVariable } from './environment.ts'
import { createLogGroup } from './logs.ts'
import { createCompactorRole } from './roles.ts'
import type { StageSettings } from './settings.ts'
import { nameOf, stackOf } from './stack.ts'

export interface Jobs {
  readonly stack: Stack
  readonly compactor: EventFunction
  readonly deadLetters: Queue
  readonly logGroup: LogGroup
}

export function createJobs(scope: Construct, settings: StageSettings, data: Data): Jobs {
  const stack = stackOf(scope, 'jobs', settings, 'the compactor and its schedule')
  stack.addStackDependency(data.stack)
  const deadLetters = createDeadLetters(stack, settings)
  const logGroup = createLogGroup(stack, 'CompactorLogs', 'compactor', settings)
  const compactor = createCompactor(stack, settings, { data, deadLetters, logGroup })
  schedule(stack, settings, compactor, deadLetters)
  return { stack, compactor, deadLetters, logGroup }
}

interface CompactorParts {
  readonly data: Data
  readonly deadLetters: Queue
  readonly logGroup: LogGroup
}

function createCompactor(stack: Stack, settings: StageSettings, parts: CompactorParts): EventFunction {
  const { data, deadLetters, logGroup } = parts
  const functionName = nameOf(settings.stage, 'compactor')
  const compactor = new EventFunction(stack, 'Compactor', {
    functionName,
    code: Code.fromAsset(codeDirectory(stack, 'compactor')),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: cost.architecture,
    memorySize: cost.compactorMemoryMb,
    timeout: cost.compactorTimeout,
    role: createCompactorRole(stack, data, { logGroup, deadLetters, functionName }),
    environment: { ...functionEnvironment(data, settings), [pepperVariable]: data.pepper },
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    applicationLogLevelV2: applicationLogLevel,
    systemLogLevelV2: SystemLogLevel.WARN,
    // Workers of the version before may be due while this one is deployed.
    currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
  })
  acknowledge(compactor, {
    'Serverless-LambdaDLQ':
      'the alias that the schedule invokes has the queue as its destination, which tells the error too',
    'Serverless-LambdaTracing': 'the log has the trace id and the time of every storage call',
  })
  return compactor
}

function createDeadLetters(stack: Stack, { stage }: StageSettings): Queue {
  const queue = new Queue(stack, 'DeadLetters', {
    queueName: nameOf(stage, 'compactor-failures'),
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  })
  const reason = 'it is the dead-letter queue'
  acknowledge(queue, {
    'AwsSolutions-SQS3': reason,
    'Serverless-SQSRedrivePolicy': reason,
    [guard('sqs_dlq_check')]: reason,
  })
  return queue
}

/** Of one version, whose workers are of the same: a deployment during a pass changes nothing for it. */
function schedule(
  stack: Stack,
  { stage }: StageSettings,
  compactor: EventFunction,
  deadLetters: Queue,
): void {
  const live = compactor.addAlias('live', {
    // The next minute's event does what this one did not.
    retryAttempts: 0,
    maxEventAge: Duration.minutes(1),
    onFailure: new SqsDestination(deadLetters),
  })
  const invoke = new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [live.functionArn] })
  const report = new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] })
  const role = new Role(stack, 'ScheduleRole', {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
    inlinePolicies: { wake: new PolicyDocument({ statements: [invoke, report] }) },
  })
  new CfnSchedule(stack, 'Schedule', {
    name: nameOf(stage, 'compactor'),
    description: 'wakes the compactor, which looks for what is due',
    scheduleExpression: `rate(${cost.compactionRateMinutes} minute${cost.compactionRateMinutes === 1 ? '' : 's'})`,
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: live.functionArn,
      roleArn: role.roleArn,
      input: JSON.stringify({ 'detail-type': 'Scheduled Event', source: 'aws.scheduler' }),
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      deadLetterConfig: { arn: deadLetters.queueArn },
    },
  })
}
