// The stacks of a stage as templates, synthesised in this process into a folder that is removed with it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { App, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Millrace } from '../../infra/index.ts'
import type { StageSettings } from '../../infra/settings.ts'

export interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
  readonly DependsOn?: readonly string[]
}

export type Lifecycle = 'data' | 'service' | 'jobs' | 'observability'

/** As the report of a synth has it. */
export interface Finding {
  readonly ruleName: string
  readonly violatingConstructs: readonly { readonly constructPath: string }[]
}

export interface Synthesised {
  readonly templates: Readonly<Record<Lifecycle, Template>>
  readonly terminationProtection: boolean | undefined
}

const root = join(import.meta.dirname, '../..')
/** The CDK's word for it. Only the synth of all stages bundles in these tests. */
export const unbundled = { 'aws:cdk:bundling-stacks': [] }

const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'))

export const settings: StageSettings = {
  stage: 'dev',
  clusterId: 'lkc-test',
  compute: 'web',
  retainData: false,
  recoveryDays: 7,
  logLevel: 'INFO',
  logDays: 30,
  originSecretGeneration: 1,
}

export const production: StageSettings = { ...settings, stage: 'prod', retainData: true, recoveryDays: 35 }

/** Templates are checked against CloudFormation's schemas where the rule packs look too: it takes a second. */
export function newApp(isChecked = false): App {
  const outdir = mkdtempSync(join(tmpdir(), 'millrace-cdk-'))
  after(() => rmSync(outdir, { recursive: true }))
  return new App({
    outdir,
    context: { ...context, ...unbundled },
    builtinCloudFormationValidation: isChecked,
  })
}

export function synthesise(given: StageSettings): Synthesised {
  const app = newApp()
  const { data, service, jobs, observability } = new Millrace(app, 'Millrace', given)
  return {
    templates: {
      data: Template.fromStack(data.stack),
      service: Template.fromStack(service.stack),
      jobs: Template.fromStack(jobs.stack),
      observability: Template.fromStack(observability),
    },
    terminationProtection: data.stack.terminationProtection,
  }
}

export function findingsOf(
  given: StageSettings,
  plugins: (app: App) => IPolicyValidationPlugin[],
): Finding[] {
  const app = newApp(true)
  Validations.of(app).addPlugins(...plugins(app))
  new Millrace(app, 'Millrace', given)
  app.synth()
  const report: { pluginReports: { violations?: Finding[] }[] } = JSON.parse(
    readFileSync(join(app.outdir, 'validation-report.json'), 'utf8'),
  )
  return report.pluginReports.flatMap(({ violations = [] }) => violations)
}

export function resourcesOf(template: Template, type: string): [string, Resource][] {
  const resources: Record<string, Resource> = template.toJSON().Resources
  return Object.entries(resources).filter(([, resource]) => resource.Type === type)
}

export function only(template: Template, type: string): Resource {
  const [found, ...others] = resourcesOf(template, type)
  if (found === undefined || others.length > 0) throw new Error(`${others.length + 1} of ${type}`)
  return found[1]
}
