import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Match } from 'aws-cdk-lib/assertions'
import { parseCompactorConfig } from '../../shared/runtime/awsConfig.ts'
import { parseCompactorEvent } from '../../shared/runtime/compactorEvent.ts'
import { only, production, resourcesOf, settings, synthesise } from './synthesised.ts'

const { jobs } = synthesise(production).templates

test("the compactor has Lambda's longest time, on Graviton, and what it wants to start", () => {
  jobs.resourceCountIs('AWS::Lambda::Function', 1)
  const { Properties } = only(jobs, 'AWS::Lambda::Function')
  jobs.hasResourceProperties('AWS::Lambda::Function', {
    FunctionName: 'millrace-prod-compactor',
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Timeout: 900,
    LoggingConfig: { LogFormat: 'JSON' },
  })
  const variables = Object.entries<unknown>(Reflect.get(Object(Properties.Environment), 'Variables'))
  const config = parseCompactorConfig({
    ...Object.fromEntries(variables.map(([name, value]) => [name, String(value)])),
    AWS_LAMBDA_FUNCTION_NAME: 'millrace-prod-compactor',
    AWS_LAMBDA_FUNCTION_VERSION: '7',
  })
  assert.equal(config.tableName, 'millrace-prod-log')
})

test('the schedule wakes one version with an event that the compactor knows', () => {
  const { Properties } = only(jobs, 'AWS::Scheduler::Schedule')
  assert.equal(Properties.ScheduleExpression, 'rate(1 minute)')
  const input: unknown = Reflect.get(Object(Properties.Target), 'Input')
  assert.deepEqual(parseCompactorEvent(JSON.parse(String(input))), { kind: 'schedule' })
  const [[alias] = []] = resourcesOf(jobs, 'AWS::Lambda::Alias')
  jobs.hasResourceProperties('AWS::Scheduler::Schedule', {
    Target: { Arn: { Ref: alias }, RetryPolicy: { MaximumRetryAttempts: 0 } },
  })
  jobs.hasResourceProperties('AWS::Lambda::Alias', {
    FunctionVersion: { 'Fn::GetAtt': [Match.stringLikeRegexp('^CompactorCurrentVersion'), 'Version'] },
  })
})

test('a version outlives its successor, so that a pass that it began goes on with its own workers', () => {
  const [version] = resourcesOf(jobs, 'AWS::Lambda::Version').map(([, resource]) => resource)
  assert.equal(version?.DeletionPolicy, 'Retain')
})

test('what fails or never begins ends in the queue, and is not repeated', () => {
  const [[queue] = []] = resourcesOf(jobs, 'AWS::SQS::Queue')
  const arn = { 'Fn::GetAtt': [queue, 'Arn'] }
  jobs.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
    DestinationConfig: { OnFailure: { Destination: arn } },
    MaximumRetryAttempts: 0,
  })
  jobs.hasResourceProperties('AWS::Scheduler::Schedule', { Target: { DeadLetterConfig: { Arn: arn } } })
  jobs.hasResourceProperties('AWS::SQS::Queue', {
    SqsManagedSseEnabled: true,
    MessageRetentionPeriod: 1_209_600,
  })
})

test('the schedule may wake the compactor and fill the queue, and only for this account', () => {
  jobs.hasResourceProperties('AWS::IAM::Role', {
    AssumeRolePolicyDocument: {
      Statement: [
        Match.objectLike({
          Principal: { Service: 'scheduler.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        }),
      ],
    },
    Policies: [
      {
        PolicyName: 'wake',
        PolicyDocument: {
          Statement: [
            Match.objectLike({ Action: 'lambda:InvokeFunction' }),
            Match.objectLike({ Action: 'sqs:SendMessage' }),
          ],
        },
      },
    ],
  })
  jobs.resourceCountIs('AWS::IAM::Policy', 0)
})

test('every stage has names of its own', () => {
  const text = JSON.stringify(synthesise(settings).templates.jobs.toJSON())
  assert.match(text, /millrace-dev-/)
  assert.doesNotMatch(text, /millrace-prod-/)
})
