// A stack of a stage: its name, tags and place.

import { Stack, type StackProps, Tags } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { acknowledge, guard } from './acknowledge.ts'
import type { StageSettings } from './settings.ts'

export function stackOf(
  scope: Construct,
  lifecycle: 'data' | 'service' | 'jobs' | 'observability',
  { stage, account, region }: StageSettings,
  description: string,
  props: StackProps = {},
): Stack {
  const stack = new Stack(scope, lifecycle, {
    stackName: nameOf(stage, lifecycle),
    description: `Millrace ${stage}: ${description}`,
    env: { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) },
    ...props,
  })
  Tags.of(stack).add('millrace:stage', stage)
  Tags.of(stack).add('millrace:lifecycle', lifecycle)
  acknowledge(stack, {
    [guard('lambda_inside_vpc_check')]:
      'S3 and DynamoDB are reached by TLS and IAM; a network of ours would bill by the hour',
    [guard('cloudwatch_log_group_encrypted_check')]:
      'CloudWatch encrypts with a key of its own; no record is ever logged',
  })
  return stack
}

/** Every name in an account, so that whoever sees one knows whose it is. */
export const nameOf = (stage: string, what: string): string => `millrace-${stage}-${what}`
