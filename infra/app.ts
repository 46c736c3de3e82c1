// The CDK app of this repository: one stage where the context names it, all of them where it does not. Whatever a rule
// pack finds and nobody has acknowledged stops the synth. CloudFormation Guard takes two seconds a stage, so it looks
// at the stage that is named, as every deployed one is.

import { CfnGuardValidator } from '@cdklabs/cdk-validator-cfnguard'
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag'
import { Millrace } from './index.ts'
import { SettingsError } from './settings.ts'
import { stages } from './stages.ts'

export function createApp(stage: unknown, app: App = new App()): App {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app))
  if (stage !== undefined) Validations.of(app).addPlugins(new CfnGuardValidator())
  for (const settings of chosen(stage)) new Millrace(app, settings.stage, settings)
  return app
}

function chosen(stage: unknown) {
  if (stage === undefined) return Object.values(stages)
  const settings = typeof stage === 'string' && Object.hasOwn(stages, stage) ? stages[stage] : undefined
  if (settings !== undefined) return [settings]
  const known = Object.keys(stages).join(', ')
  throw new SettingsError(`The stage ${JSON.stringify(stage)} is not known: infra/stages.ts has ${known}.`)
}

if (import.meta.main) {
  const app = new App()
  try {
    createApp(app.node.tryGetContext('stage'), app).synth()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
