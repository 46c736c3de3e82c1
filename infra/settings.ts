// What a deployment may choose, and nothing else: every other property of the stacks is a decision, made once. Settings
// come from people, so they are read strictly; the first thing wrong stops the synth with a sentence that names it.

import { z } from 'zod'

const keyArnError = 'is the ARN of a KMS key, not an alias'
const yesOrNo = { error: 'is true or false' }

const settingsShape = z.strictObject({
  /** Part of every name, so that stages share an account: millrace-<stage>-… */
  stage: z.string({ error: 'is a name' }).regex(/^[a-z][a-z0-9]{0,11}$/, {
    error: 'is 1 to 12 lower case letters and digits, a letter first',
  }),
  /** The cluster that the deployment serves; part of every key and object name, so never change it. */
  clusterId: z.string({ error: 'is a cluster id' }).regex(/^[A-Za-z0-9_-]{1,64}$/, {
    error: 'is 1 to 64 of [A-Za-z0-9_-]',
  }),
  /** Without them the stacks go where the deployer's credentials point. */
  account: z
    .string({ error: 'is an account id' })
    .regex(/^\d{12}$/, { error: 'is 12 digits' })
    .optional(),
  region: z
    .string({ error: 'is a region' })
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: 'is a region, as eu-central-1' })
    .optional(),
  /** web: Lambda Web Functions. event: classic functions behind function URLs, where there are none. */
  compute: z.enum(['web', 'event'], { error: 'is web or event' }),
  /** true: destroying the stacks leaves bucket, table and keys. */
  retainData: z.boolean(yesOrNo),
  /** How far back the table can be restored; what the bucket deletes stays readable for as long. */
  recoveryDays: wholeNumber(1, 35),
  /** A table that was restored from this stage's, in its place from now on; docs/OPERATIONS.md says how. */
  restoredTable: z
    .string({ error: 'is the name of a table' })
    .regex(/^[A-Za-z0-9_.-]{3,255}$/, { error: 'is the name of a table' })
    .optional(),
  /** Keys of tenants that have one of their own: the functions may use these, and no other. */
  tenantKeyArns: z
    .array(
      z
        .string({ error: keyArnError })
        .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/, { error: keyArnError }),
      {
        error: 'is a list of ARNs of KMS keys',
      },
    )
    .max(50, { error: 'is a list of at most 50 ARNs, or the roles are longer than IAM takes' })
    .optional(),
  logLevel: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR'], { error: 'is DEBUG, INFO, WARN or ERROR' }),
  /** Rounded up to what CloudWatch offers. */
  logDays: wholeNumber(1, 3653),
  /** Raise it by one to rotate: the functions take this generation and the one before. */
  originSecretGeneration: wholeNumber(1, 1_000_000),
  /** Where alarms and the budget go. */
  alarmEmail: z
    .string({ error: 'is an address' })
    .regex(/^[^\s@]+@[^\s@]+$/, { error: 'is an e-mail address' })
    .optional(),
  monthlyBudgetUsd: wholeNumber(1, 1_000_000).optional(),
  domain: z
    .strictObject(
      {
        name: z.string({ error: 'is a host name' }).regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, {
          error: 'is a host name in lower case',
        }),
        /** CloudFront takes certificates of us-east-1 only. */
        certificateArn: z
          .string({ error: 'is the ARN of a certificate' })
          .regex(/^arn:aws:acm:us-east-1:\d{12}:/, {
            error: 'is the ARN of an ACM certificate in us-east-1, where CloudFront looks for it',
          }),
      },
      { error: 'holds name and certificateArn' },
    )
    .optional(),
  webAclArn: z
    .string({ error: 'is the ARN of a web ACL' })
    .regex(/^arn:aws:wafv2:us-east-1:\d{12}:global\/webacl\//, {
      error: 'is the ARN of a WAF web ACL of scope CLOUDFRONT, which are in us-east-1',
    })
    .optional(),
})

export type StageSettings = Readonly<z.infer<typeof settingsShape>>

export class SettingsError extends Error {}

export function parseSettings(given: unknown): StageSettings {
  const parsed = settingsShape.safeParse(given)
  if (!parsed.success) throw new SettingsError(sentenceOf(parsed.error.issues, given))
  const contradiction = contradictionIn(parsed.data)
  if (contradiction !== undefined) throw new SettingsError(contradiction)
  return parsed.data
}

function contradictionIn(settings: StageSettings): string | undefined {
  const { stage, retainData, monthlyBudgetUsd, alarmEmail } = settings
  if (stage === 'prod' && !retainData) {
    return 'The setting retainData of stage prod is false: to destroy the stacks would destroy the data.'
  }
  if (monthlyBudgetUsd !== undefined && alarmEmail === undefined) {
    return `The setting alarmEmail of stage ${stage} is missing: monthlyBudgetUsd is set, and nobody would hear of it.`
  }
  return undefined
}

function sentenceOf(issues: readonly z.core.$ZodIssue[], given: unknown): string {
  const stage = fieldOf(given, ['stage'])
  const of = typeof stage === 'string' ? ` of stage ${stage}` : ''
  const [issue] = issues
  if (issue === undefined) return `The settings${of} cannot be read.`
  if (issue.code === 'unrecognized_keys') {
    return `The setting ${[...issue.path, issue.keys[0]].join('.')}${of} is not known.`
  }
  const path = issue.path.join('.')
  if (path === '') return 'The settings are an object.'
  const value = fieldOf(given, issue.path)
  if (value === undefined) return `The setting ${path}${of} is missing: it ${issue.message}.`
  return `The setting ${path}${of} is ${JSON.stringify(value)}: it ${issue.message}.`
}

function wholeNumber(min: number, max: number) {
  const error = `is a whole number from ${min} to ${max}`
  return z.int({ error }).min(min, { error }).max(max, { error })
}

function fieldOf(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = Reflect.get(found, name)
  }
  return found
}
