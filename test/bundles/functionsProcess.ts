// Both functions behind a front door, as one server that can be killed.
import type { ServerProcess } from '../support/serverProcess.ts'
import type { AwsWorld } from './awsWorld.ts'
import { startFrontDoor } from './frontDoor.ts'
import { startWebProcess } from './webProcess.ts'

const noticedShare = 0.2

export async function startFunctions(world: AwsWorld): Promise<ServerProcess> {
  const start = (name: 'produce' | 'fetch') => startWebProcess(world.build(name), world.environment(name))
  const [produce, fetch] = await Promise.all([start('produce'), start('fetch')])
  const door = await startFrontDoor(() => ({ produce: produce.url, fetch: fetch.url }))
  const end = async (how: 'kill' | 'stop') => {
    const [finished] = await Promise.all([produce[how](), fetch[how]()])
    await door.close()
    return finished
  }
  return {
    url: door.url,
    stop: () => end('stop'),
    // Some of the kills are Lambda's own, with a second's notice.
    kill: () => end(Math.random() < noticedShare ? 'stop' : 'kill'),
  }
}
