// Work that brings every function to make every call to AWS that it ever makes, so that its role can be held against
// them. The compactor's clock runs ahead where it has to wait for hours.
import assert from 'node:assert/strict'
import { type AwsWorld, clockAhead, clusterId, names } from './awsWorld.ts'
import { createTopic, origin, produce, produceMillions, read, topicsPath } from './client.ts'
import { runConformance } from './conformance.ts'
import { startFrontDoor } from './frontDoor.ts'
import { runHandler } from './runHandler.ts'
import { startWebProcess, type WebProcess } from './webProcess.ts'

const hourMs = 3600_000

export async function work(world: AwsWorld): Promise<void> {
  const started: WebProcess[] = []
  const start = async (name: 'produce' | 'fetch') => {
    const one = await startWebProcess(world.build(name), world.environment(name))
    started.push(one)
    return one
  }
  try {
    await takeEachAsFirst(world)
    await serve(world, start)
  } finally {
    // A process that is left would keep the test from ending.
    await Promise.all(started.map((one) => one.stop()))
  }
}

async function serve(
  world: AwsWorld,
  start: (name: 'produce' | 'fetch') => Promise<WebProcess>,
): Promise<void> {
  const [writer, reader] = await Promise.all([start('produce'), start('fetch')])
  const door = await startFrontDoor(() => ({ produce: writer.url, fetch: reader.url }))
  try {
    const { code, output } = await runConformance(door.url)
    assert.equal(code, 0, output)
    await append(world, door.url)
    for (const topic of ['small', 'large']) await (await read(door.url, topic)).text()
    await merge(world)
    // It knows nothing of what was there before.
    const fresh = await start('fetch')
    for (const topic of ['small', 'large']) await (await read(fresh.url, topic)).text()
    await fetch(`${door.url}${topicsPath}/producers`, { method: 'DELETE', headers: origin })
    await collect(world)
  } finally {
    await door.close()
  }
}

/** Whichever function comes first takes bucket and table, and goes on where another one died meanwhile. */
async function takeEachAsFirst(world: AwsWorld): Promise<void> {
  for (const name of ['produce', 'fetch', 'compactor'] as const) {
    await world.forgetDeployment()
    await startAndStop(world, name)
    await world.forgetMark()
    await startAndStop(world, name)
  }
}

async function startAndStop(world: AwsWorld, name: 'produce' | 'fetch' | 'compactor'): Promise<void> {
  if (name === 'compactor') await invokeCompactor(world, schedule, 0)
  else await (await startWebProcess(world.build(name), world.environment(name))).stop()
}

async function append(world: AwsWorld, url: string): Promise<void> {
  await createTopic(url, 'small', [{ name: 'segment.ms', value: '1' }])
  await createTopic(url, 'large')
  // So many commits that the tail is spilled.
  for (let i = 0; i < 40; i++) assert.equal((await produce(url, 'small', `v${i}`)).status, 200)
  // Stored, and the answer lost: who looks finds its own bytes.
  world.s3.failNext('PutObject', { kind: 'unanswered' })
  assert.equal((await produceMillions(url, 'large', 1)).status, 200)
  failUpload(world)
  await produceMillions(url, 'large', 20)
  assert.equal((await produceMillions(url, 'large', 20)).status, 200)
  await idempotently(url)
}

/** More producers than a sequencer keeps: some are moved out, and one comes back. */
async function idempotently(url: string): Promise<void> {
  await createTopic(url, 'producers')
  const append = (id: number, sequence: number) =>
    produce(url, 'producers', 'x', {
      'producer-id': String(id),
      'producer-epoch': '0',
      'producer-seq': String(sequence),
    })
  await fetch(`${url}/v3/clusters/${clusterId}/producers`, { method: 'POST', headers: origin })
  for (let id = 0; id < 130; id++) assert.equal((await append(id, 0)).status, 200)
  assert.equal((await append(0, 1)).status, 200)
  for (let sequence = 2; sequence < 40; sequence++) assert.equal((await append(0, sequence)).status, 200)
  // A retry that is long past is looked for in the index.
  await append(0, 3)
}

const schedule = { 'detail-type': 'Scheduled Event' }

async function merge(world: AwsWorld): Promise<void> {
  world.invokeWith((event) => invokeCompactor(world, event, hourMs))
  failUpload(world)
  await invokeCompactor(world, schedule, hourMs)
  await invokeCompactor(world, schedule, 2 * hourMs)
}

async function collect(world: AwsWorld): Promise<void> {
  for (const aheadMs of [6 * hourMs, 12 * hourMs]) {
    world.invokeWith((event) => invokeCompactor(world, event, aheadMs))
    await invokeCompactor(world, schedule, aheadMs)
  }
}

const failUpload = (world: AwsWorld) =>
  world.s3.failNext('CompleteMultipartUpload', { kind: 'refused', status: 403, code: 'AccessDenied' })

function invokeCompactor(world: AwsWorld, event: unknown, aheadMs: number): Promise<unknown> {
  return runHandler(world.build('compactor'), event, {
    ...world.environment('compactor'),
    AWS_LAMBDA_FUNCTION_NAME: names.compactor,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    ...clockAhead(aheadMs),
  })
}
