// The metrics that alarms and dashboard show. The functions' own are in CloudWatch's embedded format, as
// shared/runtime/metrics.ts writes them; a filter counts the lines of level ERROR, because a function that does not
// even start writes no metrics.

import { Duration, type Stack } from 'aws-cdk-lib'
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { FilterPattern, type LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs'
import { metricNamespace } from '../shared/runtime/metrics.ts'
import type { Data } from './data.ts'
import type { Jobs } from './jobs.ts'
import type { Service } from './service.ts'
import type { StageSettings } from './settings.ts'
import { nameOf } from './stack.ts'

export type FunctionName = 'produce' | 'fetch' | 'compactor'

const functionNames: readonly FunctionName[] = ['produce', 'fetch', 'compactor']

export interface Observed {
  readonly data: Data
  readonly service: Service
  readonly jobs: Jobs
}

export interface Watched {
  readonly errorLines: Readonly<Record<FunctionName, IMetric>>
  readonly produceTime: IMetric
  readonly fetchTime: IMetric
  readonly messagesIn: IMetric
  readonly bytes: readonly IMetric[]
  readonly storageThrottles: IMetric
  readonly tableThrottles: IMetric
  readonly tableUnits: readonly IMetric[]
  readonly compactorInvocations: IMetric
  readonly compactorThrottles: IMetric
  readonly compactorTime: IMetric
  readonly uncleanable: IMetric
  readonly compactionDelay: IMetric
  readonly cleanTime: IMetric
  /** Flushes and segments, as the last collection counted them. */
  readonly objects: readonly IMetric[]
  readonly deadLetters: IMetric
  /** CloudFront counts in us-east-1 only, and an alarm hears its own region. */
  readonly frontDoorErrors: IMetric | undefined
}

const period = Duration.minutes(5)

export function watch(stack: Stack, settings: StageSettings, { data, service, jobs }: Observed): Watched {
  const { compactor, deadLetters } = jobs
  const own = ownMetrics(settings)
  const groups = { ...service.logGroups, compactor: jobs.logGroup }
  return {
    errorLines: {
      produce: errorLines(stack, settings, 'produce', groups.produce),
      fetch: errorLines(stack, settings, 'fetch', groups.fetch),
      compactor: errorLines(stack, settings, 'compactor', groups.compactor),
    },
    produceTime: own('produce', 'TotalTimeMs', 'p99', { Request: 'Produce' }),
    fetchTime: own('fetch', 'TotalTimeMs', 'p99', { Request: 'Fetch' }),
    messagesIn: own('produce', 'MessagesInPerSec', 'Sum'),
    bytes: [own('produce', 'BytesInPerSec', 'Sum'), own('fetch', 'BytesOutPerSec', 'Sum')],
    storageThrottles: sumOf((name) => own(name, 'StorageThrottles', 'Sum')),
    tableThrottles: tableMetric(data, 'WriteThrottleEvents'),
    tableUnits: ['ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'].map((name) =>
      tableMetric(data, name),
    ),
    compactorInvocations: compactor.metricInvocations({ period, statistic: 'Sum' }),
    compactorThrottles: compactor.metricThrottles({ period, statistic: 'Sum' }),
    compactorTime: compactor.metricDuration({ period, statistic: 'Maximum' }),
    uncleanable: own('compactor', 'UncleanablePartitionsCount', 'Maximum'),
    compactionDelay: own('compactor', 'MaxCompactionDelaySecs', 'Maximum'),
    cleanTime: own('compactor', 'MaxCleanTimeSecs', 'Maximum'),
    objects: ['FlushObjects', 'SegmentObjects'].map((name) => own('compactor', name, 'Maximum')),
    deadLetters: deadLetters.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
    frontDoorErrors: settings.region === 'us-east-1' ? frontDoorErrors(service) : undefined,
  }
}

const ownMetrics =
  ({ stage }: StageSettings) =>
  (name: FunctionName, metricName: string, statistic: string, label: Record<string, string> = {}): Metric =>
    new Metric({
      namespace: metricNamespace,
      metricName,
      statistic,
      period,
      dimensionsMap: { Stage: stage, Function: name, ...label },
    })

const sumOf = (metricOf: (name: FunctionName) => IMetric): IMetric =>
  new MathExpression({
    expression: functionNames.map((name) => `FILL(${name}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(functionNames.map((name) => [name, metricOf(name)])),
    period,
  })

function errorLines(stack: Stack, { stage }: StageSettings, name: FunctionName, logGroup: LogGroup): IMetric {
  const filter = new MetricFilter(stack, `${name}-error-lines`, {
    logGroup,
    filterPattern: FilterPattern.stringValue('$.level', '=', 'ERROR'),
    metricNamespace,
    metricName: `${nameOf(stage, name)}-error-lines`,
    metricValue: '1',
  })
  return filter.metric({ statistic: 'Sum', period })
}

const tableMetric = ({ tableName }: Data, metricName: string): IMetric =>
  new Metric({
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensionsMap: { TableName: tableName },
    statistic: 'Sum',
    period,
  })

const frontDoorErrors = ({ distribution }: Service): IMetric =>
  new Metric({
    namespace: 'AWS/CloudFront',
    metricName: '5xxErrorRate',
    dimensionsMap: { DistributionId: distribution.distributionId, Region: 'Global' },
    statistic: 'Average',
    period,
  })
