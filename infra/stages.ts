// The stages of this repository. To deploy your own, change these: they are the only place with settings.

import type { StageSettings } from './settings.ts'

export const stages: Readonly<Record<string, StageSettings>> = {
  /** Deployed and destroyed at will: destroying it leaves nothing. */
  dev: {
    stage: 'dev',
    clusterId: 'lkc-dev',
    compute: 'web',
    retainData: false,
    recoveryDays: 1,
    logLevel: 'DEBUG',
    logDays: 7,
    originSecretGeneration: 1,
  },
  /** As prod, but for how long things are kept. */
  staging: {
    stage: 'staging',
    clusterId: 'lkc-staging',
    compute: 'web',
    retainData: true,
    recoveryDays: 7,
    logLevel: 'INFO',
    logDays: 30,
    originSecretGeneration: 1,
  },
  /** Set alarmEmail before the first deployment: without it alarms ring where nobody listens. */
  prod: {
    stage: 'prod',
    clusterId: 'lkc-prod',
    compute: 'web',
    retainData: true,
    recoveryDays: 35,
    logLevel: 'INFO',
    logDays: 90,
    originSecretGeneration: 1,
  },
}
