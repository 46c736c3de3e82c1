// Millrace as one construct: `new Millrace(this, 'Millrace', settings)` in an app, a stage or a stack of yours makes
// the four stacks of a deployment, by how long their parts live.

import type { Stack } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { createData, type Data } from './data.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { createObservability } from './observability.ts'
import { createService, type Service } from './service.ts'
import { parseSettings, type StageSettings } from './settings.ts'

export class Millrace extends Construct {
  readonly data: Data
  readonly service: Service
  readonly jobs: Jobs
  readonly observability: Stack
  /** A token until it is deployed. */
  readonly baseUrl: string

  /** Refuses settings that are missing or contradict each other with a sentence that names the setting. */
  constructor(scope: Construct, id: string, given: StageSettings) {
    super(scope, id)
    const settings = parseSettings(given)
    // An app without this flag would have S3 write access logs by ACLs, which our buckets have not.
    this.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true)
    this.data = createData(this, settings)
    this.service = createService(this, settings, this.data)
    this.jobs = createJobs(this, settings, this.data)
    this.observability = createObservability(this, settings, this)
    this.baseUrl = this.service.baseUrl
  }
}
