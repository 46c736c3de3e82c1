// What a function is told by its environment. Each name is read in shared/runtime, which refuses to start without it.

import type { Data } from './data.ts'
import type { StageSettings } from './settings.ts'

export const functionEnvironment = (
  { bucketName, tableName }: Data,
  { clusterId, stage, logLevel }: StageSettings,
): Record<string, string> => ({
  BUCKET: bucketName,
  TABLE: tableName,
  CLUSTER_ID: clusterId,
  STAGE: stage,
  LOG_LEVEL: logLevel,
})

/** For what stands behind the front door: the secrets that open it, the current one first, divided by commas. */
export const originSecretVariable = 'ORIGIN_SECRET'

/** The text under which the functions hash the secrets of API keys. */
export const pepperVariable = 'PEPPER'
