import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cdkArguments } from '../../infra/cli.ts'
import { retentionOf } from '../../infra/logs.ts'
import { parseSettings, SettingsError } from '../../infra/settings.ts'
import { stages } from '../../infra/stages.ts'
import { production, settings } from './synthesised.ts'

const refusalOf = (given: unknown): string => {
  try {
    parseSettings(given)
  } catch (error) {
    assert.ok(error instanceof SettingsError)
    return error.message
  }
  return 'none'
}

test('the stages of this repository are in order, under their own names', () => {
  for (const [name, stage] of Object.entries(stages)) {
    assert.equal(parseSettings(stage).stage, name)
  }
  assert.deepEqual(Object.keys(stages), ['dev', 'staging', 'prod'])
  assert.equal(stages.prod?.retainData, true)
})

test('a missing setting is named', () => {
  for (const name of Object.keys(settings)) {
    const { [name]: _, ...rest }: Record<string, unknown> = { ...settings }
    const of = name === 'stage' ? '' : ' of stage dev'
    assert.match(refusalOf(rest), new RegExp(`^The setting ${name}${of} is missing: it is .+\\.$`))
  }
})

test('a setting that is out of its range is named with what it takes', () => {
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{ stage: 'Dev' }, /^The setting stage of stage Dev is "Dev": it is 1 to 12 lower case letters/],
    [{ clusterId: 'a/b' }, /clusterId of stage dev is "a\/b": it is 1 to 64 of/],
    [{ account: '12' }, /account of stage dev is "12": it is 12 digits/],
    [{ region: 'Frankfurt' }, /region of stage dev is "Frankfurt": it is a region/],
    [{ compute: 'fargate' }, /compute of stage dev is "fargate": it is web or event/],
    [{ retainData: 'yes' }, /retainData of stage dev is "yes": it is true or false/],
    [{ recoveryDays: 36 }, /recoveryDays of stage dev is 36: it is a whole number from 1 to 35/],
    [{ recoveryDays: 1.5 }, /recoveryDays of stage dev is 1\.5: it is a whole number/],
    [{ logLevel: 'TRACE' }, /logLevel of stage dev is "TRACE": it is DEBUG, INFO, WARN or ERROR/],
    [{ logDays: 0 }, /logDays of stage dev is 0/],
    [{ originSecretGeneration: 0 }, /originSecretGeneration of stage dev is 0/],
    [{ restoredTable: 'a b' }, /restoredTable of stage dev is "a b": it is the name of a table/],
    [{ tenantKeyArns: '*' }, /tenantKeyArns of stage dev is "\*": it is a list of ARNs of KMS keys/],
    [{ tenantKeyArns: ['*'] }, /tenantKeyArns\.0 of stage dev is "\*": it is the ARN of a KMS key/],
    [{ alarmEmail: 'nobody' }, /alarmEmail of stage dev is "nobody": it is an e-mail address/],
    [
      { webAclArn: 'arn:aws:wafv2:eu-west-1:1:regional/webacl/x' },
      /webAclArn of stage dev .* scope CLOUDFRONT/,
    ],
    [{ domain: { name: 'log.example.com' } }, /domain\.certificateArn of stage dev is missing/],
    [
      { domain: 'log.example.com' },
      /domain of stage dev is "log\.example\.com": it holds name and certificateArn/,
    ],
    [
      {
        domain: {
          name: 'log.example.com',
          certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/1',
        },
      },
      /domain\.certificateArn of stage dev is .* us-east-1/,
    ],
    [{ recoverDays: 3 }, /^The setting recoverDays of stage dev is not known\.$/],
  ]
  for (const [change, expected] of cases) assert.match(refusalOf({ ...settings, ...change }), expected)
  assert.equal(refusalOf(undefined), 'The settings are an object.')
})

test('settings that contradict each other are refused', () => {
  assert.match(
    refusalOf({ ...production, retainData: false }),
    /^The setting retainData of stage prod is false: /,
  )
  assert.match(
    refusalOf({ ...settings, monthlyBudgetUsd: 50 }),
    /^The setting alarmEmail of stage dev is missing: /,
  )
  assert.equal(refusalOf({ ...settings, monthlyBudgetUsd: 50, alarmEmail: 'ops@example.com' }), 'none')
})

test('logs are kept as long as asked for, or the next longer time that CloudWatch has', () => {
  assert.equal(retentionOf(30), 30)
  assert.equal(retentionOf(31), 60)
  assert.equal(retentionOf(3653), 3653)
  assert.throws(() => retentionOf(3654), /3654 days/)
})

test("a command is the CDK's, of one stage, with what else was asked for", () => {
  const context = ['--context', 'stage=dev']
  assert.deepEqual(cdkArguments(['deploy', '--stage', 'dev', '--method', 'direct']), {
    args: ['deploy', '--all', ...context, '--method', 'direct'],
  })
  assert.deepEqual(cdkArguments(['destroy', '--force', '--stage=dev']), {
    args: ['destroy', '--all', ...context, '--force'],
  })
  assert.deepEqual(cdkArguments(['synth']), { args: ['synth', '--quiet'] })
  assert.deepEqual(cdkArguments(['synth', '--stage', 'dev']), { args: ['synth', '--quiet', ...context] })
})

test('data that is kept is not destroyed with the rest', () => {
  assert.deepEqual(cdkArguments(['destroy', '--stage', 'prod']), {
    args: ['destroy', 'prod/observability', 'prod/jobs', 'prod/service', '--context', 'stage=prod'],
  })
})

test('a command without a stage, or with one that is not there, is refused', () => {
  const refusal = (given: string[]) => {
    const parsed = cdkArguments(given)
    return 'refusal' in parsed ? parsed.refusal : undefined
  }
  assert.match(
    refusal(['deploy']) ?? '',
    /^--stage is missing: say npm run deploy -- --stage dev; infra\/stages\.ts has dev, staging, prod\.$/,
  )
  assert.match(refusal(['deploy', '--stage']) ?? '', /^--stage is missing/)
  assert.match(
    refusal(['synth', '--stage', 'qa']) ?? '',
    /^--stage is qa: infra\/stages\.ts has dev, staging, prod\.$/,
  )
  assert.match(refusal(['destroy', '--stage', 'toString']) ?? '', /^--stage is toString/)
  assert.match(refusal([]) ?? '', /^Say what to do: synth, deploy, destroy\.$/)
})
