// What wakes somebody up. Each alarm says what it means and names its section in docs/OPERATIONS.md, which says what to
// do; a test holds the two together.

import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import type { Watched } from './watched.ts'

export interface AlarmSpec {
  readonly name: string
  readonly meaning: string
  readonly metric: IMetric
  /** Rings from this value on. */
  readonly threshold: number
  /** Of five minutes each. */
  readonly periods: number
  /** Below the threshold instead; silence rings too. */
  readonly isLow?: boolean
}

export const runbookOf = (name: string): string => `docs/OPERATIONS.md#alarm-${name}`

export const alarmsOf = (watched: Watched): readonly AlarmSpec[] => [
  ...requestAlarms(watched),
  ...storageAlarms(watched),
  ...compactorAlarms(watched),
]

function requestAlarms({ errorLines, produceTime, frontDoorErrors }: Watched): readonly AlarmSpec[] {
  const meaning = 'Requests are answered with an error of the service itself, by a function or before one.'
  const frontDoor = frontDoorErrors && { name: 'front-door-errors', meaning, metric: frontDoorErrors }
  return [
    {
      name: 'produce-errors',
      meaning: "Appends fail for a reason that is not the client's, or the function does not start.",
      metric: errorLines.produce,
      threshold: 5,
      periods: 2,
    },
    {
      name: 'fetch-errors',
      meaning:
        "Reads or administration fail for a reason that is not the client's, or the function does not start.",
      metric: errorLines.fetch,
      threshold: 5,
      periods: 2,
    },
    {
      name: 'produce-slow',
      meaning: 'One append in a hundred takes over two seconds.',
      metric: produceTime,
      threshold: 2000,
      periods: 3,
    },
    ...(frontDoor === undefined ? [] : [{ ...frontDoor, threshold: 5, periods: 3 }]),
  ]
}

const storageAlarms = ({ storageThrottles, tableThrottles }: Watched): readonly AlarmSpec[] => [
  {
    name: 'storage-throttled',
    meaning: 'S3 or DynamoDB refuse calls for their rate, and callers wait for the repetitions.',
    metric: storageThrottles,
    threshold: 100,
    periods: 2,
  },
  {
    name: 'table-throttled',
    meaning:
      'The table refuses writes for their rate: a hot sequencer, or growth faster than on-demand follows.',
    metric: tableThrottles,
    threshold: 100,
    periods: 2,
  },
]

const compactorAlarms = (watched: Watched): readonly AlarmSpec[] => [
  {
    name: 'compactor-silent',
    meaning:
      'Nothing has woken the compactor for a quarter of an hour: nothing is merged, retained or collected.',
    metric: watched.compactorInvocations,
    threshold: 1,
    periods: 3,
    isLow: true,
  },
  {
    name: 'compactor-errors',
    meaning: 'Turns of partitions or whole passes fail.',
    metric: watched.errorLines.compactor,
    threshold: 5,
    periods: 3,
  },
  {
    name: 'uncleanable-partitions',
    meaning: 'Partitions are left alone for a quarter of an hour again and again: stored bytes are damaged.',
    metric: watched.uncleanable,
    threshold: 1,
    periods: 6,
  },
  {
    name: 'compaction-delay',
    meaning: 'Records waited an hour longer for compaction by key than max.compaction.lag.ms promises.',
    metric: watched.compactionDelay,
    threshold: 3600,
    periods: 1,
  },
  {
    name: 'compactor-throttled',
    meaning: 'Lambda refuses the compactor: the account is out of concurrency.',
    metric: watched.compactorThrottles,
    threshold: 1,
    periods: 3,
  },
  {
    name: 'compactor-dead-letters',
    meaning: 'An invocation of the compactor ended in an error or never began; its event is in the queue.',
    metric: watched.deadLetters,
    threshold: 1,
    periods: 1,
  },
]

export function createAlarm(scope: Construct, alarmName: string, spec: AlarmSpec, topic: ITopic): void {
  const { name, meaning, metric, threshold, periods, isLow = false } = spec
  const alarm = new Alarm(scope, name, {
    alarmName,
    alarmDescription: `${meaning} What to do: ${runbookOf(name)}`,
    metric,
    threshold,
    evaluationPeriods: periods,
    comparisonOperator: isLow
      ? ComparisonOperator.LESS_THAN_THRESHOLD
      : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: isLow ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
  })
  const action = new SnsAction(topic)
  alarm.addAlarmAction(action)
  alarm.addOkAction(action)
}
