import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { App, Stack, Stage } from 'aws-cdk-lib'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import { Millrace } from '../../infra/index.ts'
import { SettingsError } from '../../infra/settings.ts'
import { newApp, production, settings, unbundled } from './synthesised.ts'

/** As in somebody else's repository: without the feature flags of this one. */
function foreignApp(): App {
  const outdir = mkdtempSync(join(tmpdir(), 'millrace-cdk-'))
  after(() => rmSync(outdir, { recursive: true }))
  return new App({ outdir, context: unbundled, builtinCloudFormationValidation: false })
}

const lifecycles = ['data', 'jobs', 'observability', 'service']

test('it can stand in a stack of somebody else, who reads its URL', () => {
  const app = foreignApp()
  const stack = new Stack(app, 'Theirs')
  const millrace = new Millrace(stack, 'Log', settings)
  new StringParameter(stack, 'LogUrl', { stringValue: millrace.baseUrl })
  const names = app.synth().stacks.map(({ stackName }) => stackName)
  assert.deepEqual(names.toSorted(), ['Theirs', ...lifecycles.map((one) => `millrace-dev-${one}`)])
})

test('two stages can stand in one app, each in a CDK stage of its own', () => {
  const app = foreignApp()
  for (const given of [settings, production]) new Millrace(new Stage(app, given.stage), 'Log', given)
  const names = app.synth().nestedAssemblies.flatMap(({ nestedAssembly }) => nestedAssembly.stacks)
  assert.equal(new Set(names.map(({ stackName }) => stackName)).size, 8)
})

test('stacks are deployed in an order in which each finds what it needs', () => {
  const app = newApp()
  new Millrace(app, 'dev', settings)
  const stacks = app.synth().stacks
  const before = (name: string) =>
    stacks
      .find(({ stackName }) => stackName === `millrace-dev-${name}`)
      ?.dependencies.flatMap((one) => ('stackName' in one ? [String(one.stackName)] : []))
      .map((one) => one.replace('millrace-dev-', ''))
      .toSorted()
  assert.deepEqual(before('data'), [])
  assert.deepEqual(before('service'), ['data'])
  assert.deepEqual(before('jobs'), ['data'])
  assert.deepEqual(before('observability'), ['jobs', 'service'])
})

test('settings that cannot be are refused before anything is made', () => {
  const stack = new Stack(foreignApp(), 'Theirs')
  assert.throws(() => new Millrace(stack, 'Log', { ...settings, recoveryDays: 40 }), SettingsError)
  assert.deepEqual(stack.node.findAll().filter(Stack.isStack), [stack])
})
