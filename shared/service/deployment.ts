// A process makes sure that bucket and table belong together and to its stage, and that it understands what is in them.
// The first one of a deployment takes them: the table, by an item that only one can put; then the bucket, by an object
// that only one can put; then the item says so. A crash on the way leaves a step that the next process takes. Costs one
// read of the table afterwards.

import type { LogDeps } from '../log/deps.ts'
import {
  type Deployment,
  type DeploymentItem,
  deploymentAttributes,
  encodeMark,
  markBytesMax,
  parseDeployment,
  schemaVersion,
} from '../metadata/deployment.ts'
import { deploymentKey, deploymentObject } from '../metadata/scope.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item } from '../ports/table.ts'

type DeploymentDeps = Pick<LogDeps, 'objects' | 'table' | 'clock' | 'random'>

/** Refuses with a sentence; nothing of another deployment was changed then. */
export async function takeDeployment(deps: DeploymentDeps, stage: string, bucket: string): Promise<void> {
  const item = await retryRepeatable(deps, () => deps.table.get(deploymentKey))
  const deployment = checkStage(checkSchema(item ?? (await takeTable(deps, stage))), stage)
  if (deployment.bucket === bucket) return
  if (deployment.bucket === undefined) return takeBucket(deps, deployment, bucket)
  // Another bucket of the same deployment is one that was copied, with the mark.
  if (!(await isMarked(deps, deployment))) throw otherBucket(bucket)
}

/** For an operator's command, whatever the stage: changes nothing. */
export async function expectDeployment(deps: DeploymentDeps, bucket: string): Promise<void> {
  const item = await retryRepeatable(deps, () => deps.table.get(deploymentKey))
  if (item === undefined) throw new Error('The table belongs to no deployment of Millrace.')
  const deployment = checkSchema(item)
  if (deployment.bucket !== bucket && !(await isMarked(deps, deployment))) throw otherBucket(bucket)
}

async function takeTable(deps: DeploymentDeps, stage: string): Promise<Item> {
  const id = Buffer.from(deps.random.bytes(16)).toString('base64url')
  const attributes = deploymentAttributes({ id, stage, schema: schemaVersion })
  const put = { kind: 'put', key: deploymentKey, attributes, when: [{ kind: 'itemAbsent' }] } as const
  const outcome = await retryRepeatable(deps, () => deps.table.write(put))
  return outcome.ok || outcome.current === undefined ? { key: deploymentKey, attributes } : outcome.current
}

function checkSchema(item: Item): DeploymentItem {
  const deployment = parseDeployment(item)
  if (deployment === undefined) throw new Error('The table has a deployment item that cannot be read.')
  if (deployment.schema !== schemaVersion) {
    const versions = `schema version ${deployment.schema}, and this code reads and writes version ${schemaVersion}`
    throw new Error(`The table is of ${versions}.`)
  }
  return deployment
}

function checkStage(deployment: DeploymentItem, stage: string): DeploymentItem {
  if (deployment.stage !== stage) {
    throw new Error(`The table belongs to the stage ${deployment.stage}, and this is ${stage}.`)
  }
  return deployment
}

async function takeBucket(deps: DeploymentDeps, deployment: Deployment, bucket: string): Promise<void> {
  const put = () => deps.objects.putIfAbsent(deploymentObject, [encodeMark(deployment)])
  if ((await retryRepeatable(deps, put)) === 'exists') throw otherBucket(bucket)
  await retryRepeatable(deps, () =>
    deps.table.write({
      kind: 'update',
      key: deploymentKey,
      actions: [{ kind: 'set', attribute: 'bucket', value: bucket }],
      when: [{ kind: 'equals', attribute: 'id', value: deployment.id }],
    }),
  )
}

async function isMarked(deps: DeploymentDeps, deployment: Deployment): Promise<boolean> {
  const read = () => deps.objects.getRange(deploymentObject, 0, markBytesMax)
  const mark = await retryRepeatable(deps, read)
  return mark !== undefined && Buffer.from(mark).equals(encodeMark(deployment))
}

const otherBucket = (bucket: string): Error =>
  new Error(`The bucket ${bucket} is not of the deployment that the table belongs to.`)
