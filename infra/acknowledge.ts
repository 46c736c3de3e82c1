// Findings that are meant to be as they are, each with its reason, beside the construct that it is about. A synth with
// a finding that nobody acknowledged fails.

import { Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  const rules = Object.entries(reasons).map(([id, reason]) => ({ id, reason }))
  Validations.of(construct).acknowledge(...rules)
}

/** A finding of CloudFormation Guard by its rule. */
export const guard = (rule: string): string => `cdk-validator-cfnguard::${rule}`

/** The finding that a policy names many resources by a pattern. */
export const wildcard = (resource: string): string => `AwsSolutions-IAM5[Resource::${resource}]`
