// A function's log group: made by us, so that it has a name that can be found and an end.

import { RemovalPolicy } from 'aws-cdk-lib'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { acknowledge, guard } from './acknowledge.ts'
import type { StageSettings } from './settings.ts'

/** What CloudWatch offers. */
const offeredDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

export function createLogGroup(
  scope: Construct,
  id: string,
  name: string,
  settings: StageSettings,
): LogGroup {
  const { stage, logDays, retainData } = settings
  const logGroup = new LogGroup(scope, id, {
    logGroupName: `/millrace/${stage}/${name}`,
    retention: retentionOf(logDays),
    removalPolicy: retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  })
  acknowledge(logGroup, {
    [guard('cloudwatch_log_group_retention_period_check')]:
      'how long is the setting logDays; what must last is in topics',
  })
  return logGroup
}

export function retentionOf(days: number): RetentionDays {
  const offered = offeredDays.find((candidate) => candidate >= days)
  if (offered === undefined)
    throw new Error(`logs are kept for ${days} days, and CloudWatch keeps none for so long`)
  return offered
}
