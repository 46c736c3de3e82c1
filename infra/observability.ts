// What an operator looks at, and what calls one: dashboard, alarms, budget. Nothing that answers requests needs it.

import { Aws, type Stack } from 'aws-cdk-lib'
import { CfnBudget } from 'aws-cdk-lib/aws-budgets'
import { Dashboard, GraphWidget, type IMetric, type IWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'
import { alarmsOf, createAlarm, runbookOf } from './alarms.ts'
import type { StageSettings } from './settings.ts'
import { nameOf, stackOf } from './stack.ts'
import { type Observed, type Watched, watch } from './watched.ts'

export function createObservability(scope: Construct, settings: StageSettings, observed: Observed): Stack {
  const stack = stackOf(scope, 'observability', settings, 'dashboard, alarms, budget')
  const watched = watch(stack, settings, observed)
  const topic = createTopic(stack, settings)
  for (const spec of alarmsOf(watched)) createAlarm(stack, nameOf(settings.stage, spec.name), spec, topic)
  createDashboard(stack, settings, watched)
  createBudget(stack, settings)
  return stack
}

function createTopic(stack: Stack, { stage, alarmEmail }: StageSettings): Topic {
  const topic = new Topic(stack, 'Alarms', { topicName: nameOf(stage, 'alarms'), enforceSSL: true })
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'CloudWatchAlarms',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  )
  acknowledge(topic, {
    'Serverless-SNSRedrivePolicy': 'people have no queue: the alarm stays on until they look',
  })
  if (alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(alarmEmail))
  return topic
}

function createDashboard(stack: Stack, { stage }: StageSettings, watched: Watched): void {
  const list = alarmsOf(watched).map(({ name, meaning }) => `* **${name}**: ${meaning} ${runbookOf(name)}`)
  new Dashboard(stack, 'Dashboard', {
    dashboardName: nameOf(stage, 'overview'),
    widgets: [
      [graph('Records appended', [watched.messagesIn]), graph('Bytes in and out', watched.bytes)],
      [
        graph('Milliseconds of a request, p99', [watched.produceTime, watched.fetchTime]),
        graph('Lines of level ERROR', Object.values(watched.errorLines)),
      ],
      [
        graph('Table: units consumed', watched.tableUnits),
        graph('Refused for their rate', [watched.storageThrottles, watched.tableThrottles]),
      ],
      [
        graph('Compactor: invocations', [watched.compactorInvocations, watched.compactorThrottles]),
        graph('Compactor: longest invocation, failures', [watched.compactorTime, watched.deadLetters]),
      ],
      [
        graph('Compactor: longest turn and delay of compaction by key, in seconds', [
          watched.cleanTime,
          watched.compactionDelay,
        ]),
        graph('Objects by level, uncleanable partitions', [...watched.objects, watched.uncleanable]),
      ],
      [new TextWidget({ markdown: `## Alarms\n${list.join('\n')}`, width: 24, height: 8 })],
    ],
  })
}

const graph = (title: string, left: readonly IMetric[]): IWidget =>
  new GraphWidget({ title, left: [...left], width: 12 })

/** Goes by the tag of the stage, which the account has to activate for cost allocation once. */
function createBudget(stack: Stack, { stage, monthlyBudgetUsd, alarmEmail }: StageSettings): void {
  if (monthlyBudgetUsd === undefined || alarmEmail === undefined) return
  const subscribers = [{ subscriptionType: 'EMAIL', address: alarmEmail }]
  const when = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
    notification: {
      notificationType,
      threshold,
      comparisonOperator: 'GREATER_THAN',
      thresholdType: 'PERCENTAGE',
    },
    subscribers,
  })
  new CfnBudget(stack, 'Budget', {
    budget: {
      budgetName: nameOf(stage, 'monthly'),
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: monthlyBudgetUsd, unit: 'USD' },
      costFilters: { TagKeyValue: [`user:millrace:stage$${stage}`] },
    },
    notificationsWithSubscribers: [when('ACTUAL', 80), when('FORECASTED', 100)],
  })
}
