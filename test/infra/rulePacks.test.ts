// What the rule packs say of either compute. A finding that nobody acknowledged, be it a warning, fails.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CfnGuardValidator } from '@cdklabs/cdk-validator-cfnguard'
import { type App, Stack, Validations } from 'aws-cdk-lib'
import { Code, Function as EventFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag'
import type { IConstruct } from 'constructs'
import { Millrace } from '../../infra/index.ts'
import type { StageSettings } from '../../infra/settings.ts'
import { findingsOf, newApp, production, settings } from './synthesised.ts'

const rulePacks = (app: App) => [
  new AwsSolutionsChecks(app),
  new ServerlessChecks(app),
  new CfnGuardValidator(),
]

const everything: StageSettings = {
  ...production,
  account: '111122223333',
  region: 'us-east-1',
  domain: { name: 'log.example.com', certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/1' },
  webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/millrace/1',
  alarmEmail: 'ops@example.com',
  monthlyBudgetUsd: 50,
  originSecretGeneration: 2,
}

test('production on Web Functions, with all that can be set, has no finding that nobody acknowledged', () => {
  assert.deepEqual(findingsOf(everything, rulePacks), [])
})

test('a stage of event functions, with nothing set, has no finding that nobody acknowledged', () => {
  assert.deepEqual(findingsOf({ ...settings, compute: 'event' }, rulePacks), [])
})

test('each rule pack finds what is wrong and not acknowledged', () => {
  const app = newApp()
  const stack = new Stack(app, 'Careless')
  new Bucket(stack, 'Open')
  new EventFunction(stack, 'Untraced', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = async () => {}'),
  })
  const found = [new AwsSolutionsChecks(app), new ServerlessChecks(app)].map((pack) =>
    pack.validateScope(app),
  )
  const templatePaths = [app.synth().getStackByName('Careless').templateFullPath]
  found.push(new CfnGuardValidator().validate({ templatePaths, appConstruct: app }))
  const rules = ['AwsSolutions-S1', 'Serverless-LambdaTracing', 's3_bucket_versioning_enabled_check']
  for (const [index, rule] of rules.entries()) {
    assert.ok(
      found[index]?.violations.some(({ ruleName }) => ruleName === rule),
      rule,
    )
  }
})

test('every acknowledgement has a reason that says why', () => {
  const app = newApp()
  new Millrace(app, 'web', production)
  new Millrace(app, 'event', { ...settings, compute: 'event' })
  const reasons = acknowledgements(app)
  assert.ok(reasons.length > 20)
  for (const [rule, reason] of reasons) assert.ok(reason.split(' ').length >= 4, `${rule}: ${reason}`)
})

function acknowledgements(root: IConstruct): [string, string][] {
  const here = root.node.metadata.flatMap(({ type, data }): [string, string][] =>
    type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY ? Object.entries(data) : [],
  )
  return [...here, ...root.node.children.flatMap(acknowledgements)]
}
