// Where a command works: on the data folder of a stopped server, or on a bucket and a table on AWS. Refuses arguments
// that name two places, and half a place.

import type { LogDeps } from '../../log/deps.ts'
import { createScope } from '../../metadata/scope.ts'
import { clusterId as localClusterId, withDataFolder } from '../dataFolder.ts'
import { withAws } from './awsPlace.ts'
import { UsageError } from './runCommand.ts'

export interface AwsPlace {
  readonly kind: 'aws'
  readonly bucket: string
  readonly tableName: string
  readonly clusterId: string
  /** Absent: as the AWS SDK finds it. */
  readonly region?: string
  readonly endpoint?: string
}

interface FolderPlace {
  readonly kind: 'folder'
  readonly folder: string
  /** undefined: the only one there is. */
  readonly clusterId: string | undefined
}

export type Place = FolderPlace | AwsPlace

export const placeOptions = {
  data: { type: 'string' },
  bucket: { type: 'string' },
  table: { type: 'string' },
  cluster: { type: 'string' },
  region: { type: 'string' },
  endpoint: { type: 'string' },
} as const

export const placeHelp = `  --data <folder>    data folder of a stopped server (./data)
  --bucket <name>    on AWS: the bucket of the segments (BUCKET)
  --table <name>     on AWS: the table of the metadata (TABLE)
  --cluster <id>     the cluster, where there are several; on AWS always (CLUSTER_ID)
  --region <name>    on AWS: as the AWS SDK finds it, like the credentials
  --endpoint <url>   a service that speaks as S3 and DynamoDB do
`

type Values = { readonly [Name in keyof typeof placeOptions]?: string | undefined }
type Environment = Readonly<Record<string, string | undefined>>

/** The environment's bucket, table and cluster count when an option names AWS, or when it has all three. */
export function parsePlace(values: Values, environment: Environment): Place {
  const { data, cluster, ...aws } = values
  const isOnAws = Object.values(aws).some((value) => value !== undefined)
  if (data !== undefined && isOnAws) throw new UsageError('Give --data or a bucket on AWS, not both.')
  const { BUCKET, TABLE, CLUSTER_ID } = environment
  if (!isOnAws && (data !== undefined || !(BUCKET && TABLE && (cluster ?? CLUSTER_ID)))) {
    const clusterId = cluster === undefined ? undefined : checkedCluster(cluster)
    return { kind: 'folder', folder: data ?? './data', clusterId }
  }
  const { region, endpoint } = aws
  if (endpoint !== undefined && !URL.canParse(endpoint)) {
    throw new UsageError(`--endpoint ${endpoint} is not a URL.`)
  }
  return {
    kind: 'aws',
    bucket: given(aws.bucket ?? BUCKET, 'bucket', 'BUCKET'),
    tableName: given(aws.table ?? TABLE, 'table', 'TABLE'),
    clusterId: checkedCluster(given(cluster ?? CLUSTER_ID, 'cluster', 'CLUSTER_ID')),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}

function given(value: string | undefined, option: string, variable: string): string {
  if (value) return value
  throw new UsageError(`Name the ${option} on AWS with --${option} or ${variable}.`)
}

function checkedCluster(clusterId: string): string {
  try {
    createScope(clusterId)
    return clusterId
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`The cluster ${JSON.stringify(clusterId)} cannot be: ${why}.`)
  }
}

export const renderPlace = (place: Place): string =>
  place.kind === 'folder'
    ? `${(place.clusterId ?? localClusterId) === localClusterId ? '' : `cluster ${place.clusterId} of `}${place.folder}`
    : `cluster ${place.clusterId} of bucket ${place.bucket} and table ${place.tableName}`

/** Opens the place, lets `work` use it, and closes it whatever happens. */
export const withPlace = <T>(place: Place, work: (deps: LogDeps) => Promise<T>): Promise<T> =>
  place.kind === 'folder'
    ? withDataFolder(place.folder, place.clusterId ?? localClusterId, work)
    : withAws(place, work)
