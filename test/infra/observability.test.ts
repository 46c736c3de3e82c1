import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Match } from 'aws-cdk-lib/assertions'
import { counters, gauges, metricNamespace, timings } from '../../shared/runtime/metrics.ts'
import { production, resourcesOf, settings, synthesise } from './synthesised.ts'

const alarmEmail = 'ops@example.com'
const { templates } = synthesise({ ...production, region: 'us-east-1', alarmEmail, monthlyBudgetUsd: 200 })
const { observability } = templates
const alarms = resourcesOf(observability, 'AWS::CloudWatch::Alarm')

const operations = readFileSync(join(import.meta.dirname, '../../docs/OPERATIONS.md'), 'utf8')

test('every alarm has a section in the handbook that says what to do, and every such section an alarm', () => {
  const named = alarms.map(([, { Properties }]) => {
    const [, anchor] =
      /^.+\. What to do: docs\/OPERATIONS\.md#(alarm-[a-z-]+)$/.exec(String(Properties.AlarmDescription)) ??
      []
    assert.equal(Properties.AlarmName, anchor?.replace(/^alarm/, 'millrace-prod'))
    return anchor
  })
  const sections = [...operations.matchAll(/^#+ (alarm-[a-z-]+)$/gm)].map(([, name]) => name)
  assert.ok(named.length >= 8)
  assert.deepEqual(named.toSorted(), sections.toSorted())
})

test('every alarm tells the same topic when it rings and when it is over', () => {
  const [[topic] = []] = resourcesOf(observability, 'AWS::SNS::Topic')
  for (const [id, { Properties }] of alarms) {
    assert.deepEqual(Properties.AlarmActions, [{ Ref: topic }], id)
    assert.deepEqual(Properties.OKActions, [{ Ref: topic }], id)
  }
  observability.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: alarmEmail })
  observability.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish' }),
      ]),
    },
  })
})

test('silence rings where somebody should speak, and nowhere else', () => {
  for (const [id, { Properties }] of alarms) {
    const isSilent = Properties.AlarmName === 'millrace-prod-compactor-silent'
    assert.equal(Properties.TreatMissingData, isSilent ? 'breaching' : 'notBreaching', id)
  }
})

test('metrics of the functions are watched under the names and dimensions that they are written with', () => {
  const known = [counters, gauges, timings].flatMap((table) => Object.keys(table))
  const functions = ['produce', 'fetch', 'compactor']
  const text = JSON.stringify([alarms, resourcesOf(observability, 'AWS::CloudWatch::Dashboard')])
  const watched = alarms.flatMap(([, { Properties }]) => ownMetrics(Properties))
  assert.ok(watched.length >= 4)
  for (const { MetricName, Dimensions } of watched) {
    if (String(MetricName).endsWith('-error-lines')) continue
    assert.ok(known.includes(String(MetricName)), String(MetricName))
    const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]))
    assert.equal(dimensions.Stage, 'prod')
    assert.ok(functions.includes(dimensions.Function ?? ''), dimensions.Function)
    const label = Reflect.get(timings, String(MetricName))
    assert.deepEqual(
      Object.keys(dimensions).toSorted(),
      ['Function', ...(label ? [label] : []), 'Stage'].toSorted(),
    )
  }
  assert.ok(text.includes('TotalTimeMs'))
})

interface WatchedMetric {
  readonly Namespace: string
  readonly MetricName: string
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[]
}

/** Of an alarm that watches one metric, or an expression of several. */
function ownMetrics(properties: object): WatchedMetric[] {
  const parts: { MetricStat?: { Metric: WatchedMetric } }[] = Reflect.get(properties, 'Metrics') ?? []
  const plain: WatchedMetric = JSON.parse(JSON.stringify(properties))
  const all = [
    plain,
    ...parts.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric])),
  ]
  return all.filter(({ Namespace }) => Namespace === metricNamespace)
}

test('an uncleanable partition and a broken max.compaction.lag.ms wake somebody up', () => {
  for (const metric of ['UncleanablePartitionsCount', 'MaxCompactionDelaySecs']) {
    const [[, { Properties }] = assert.fail(metric), ...others] = alarms.filter(
      ([, alarm]) => alarm.Properties.MetricName === metric,
    )
    assert.equal(others.length, 0)
    assert.equal(Properties.Statistic, 'Maximum')
    assert.equal(Properties.Namespace, metricNamespace)
  }
})

test("lines of level ERROR are counted in every function's log", () => {
  const filters = resourcesOf(observability, 'AWS::Logs::MetricFilter')
  assert.equal(filters.length, 3)
  for (const [, { Properties }] of filters) assert.equal(Properties.FilterPattern, '{ $.level = "ERROR" }')
})

test('the front door is watched where CloudFront counts, which is one region', () => {
  const rings = (template: typeof observability) =>
    resourcesOf(template, 'AWS::CloudWatch::Alarm').some(
      ([, { Properties }]) => Properties.Namespace === 'AWS/CloudFront',
    )
  assert.ok(rings(observability))
  assert.ok(!rings(synthesise({ ...settings, region: 'eu-central-1' }).templates.observability))
})

test("a budget counts what has the stage's tag, and tells before it is spent", () => {
  observability.hasResourceProperties('AWS::Budgets::Budget', {
    Budget: {
      BudgetLimit: { Amount: 200, Unit: 'USD' },
      CostFilters: { TagKeyValue: ['user:millrace:stage$prod'] },
    },
    NotificationsWithSubscribers: [
      { Notification: { NotificationType: 'ACTUAL', Threshold: 80 }, Subscribers: [{ Address: alarmEmail }] },
      {
        Notification: { NotificationType: 'FORECASTED', Threshold: 100 },
        Subscribers: [{ Address: alarmEmail }],
      },
    ],
  })
  synthesise(settings).templates.observability.resourceCountIs('AWS::Budgets::Budget', 0)
})

test("what can have a tag has the stage's", () => {
  for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::KMS::Key']) {
    for (const [id, { Properties }] of resourcesOf(templates.data, type)) {
      assert.match(JSON.stringify(Properties.Tags), /"Key":"millrace:stage","Value":"prod"/, id)
    }
  }
})
