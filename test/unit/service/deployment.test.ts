import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { deploymentKey, deploymentObject } from '../../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { systemClock, systemRandom } from '../../../shared/runtime/clock.ts'
import { expectDeployment, takeDeployment } from '../../../shared/service/deployment.ts'
import { createMemoryObjectStore } from '../../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { countCalls } from '../../support/counting.ts'

const depsOn = (ports: { objects: ObjectStore; table: Table }) => ({
  ...ports,
  clock: systemClock,
  random: systemRandom,
})
const newPorts = () => ({ objects: createMemoryObjectStore(), table: createMemoryTable() })

test('the first process takes bucket and table, and every later one reads one item', async () => {
  const counted = countCalls(newPorts())
  await takeDeployment(depsOn(counted), 'dev', 'segments')
  const calls = await counted.during(() => takeDeployment(depsOn(counted), 'dev', 'segments'))
  assert.deepEqual(calls, { puts: 0, objectReads: 0, tableReads: 1, tableWrites: 0 })
})

test('of processes that start at once all agree', async () => {
  const deps = depsOn(newPorts())
  await Promise.all(Array.from({ length: 20 }, () => takeDeployment(deps, 'dev', 'segments')))
  await takeDeployment(deps, 'dev', 'segments')
})

test('a process that died on the way leaves what the next one goes on with', async () => {
  const ports = newPorts()
  const dead = new Error('dead')
  const table: Table = {
    ...ports.table,
    write: (write) => (write.kind === 'update' ? Promise.reject(dead) : ports.table.write(write)),
  }
  const objects: ObjectStore = { ...ports.objects, putIfAbsent: () => Promise.reject(dead) }
  await assert.rejects(takeDeployment(depsOn({ ...ports, objects }), 'dev', 'segments'), dead)
  await assert.rejects(takeDeployment(depsOn({ ...ports, table }), 'dev', 'segments'), dead)
  await takeDeployment(depsOn(ports), 'dev', 'segments')
  await takeDeployment(depsOn(ports), 'dev', 'segments')
})

test('another stage, another schema and what cannot be read are refused, and nothing is written', async () => {
  const counted = countCalls(newPorts())
  const deps = depsOn(counted)
  await takeDeployment(deps, 'dev', 'segments')
  const set = (attribute: string, value: string | number) =>
    counted.table.write({ kind: 'update', key: deploymentKey, actions: [{ kind: 'set', attribute, value }] })
  const refused = async (stage: string, message: RegExp) => {
    const calls = await counted.during(() => assert.rejects(takeDeployment(deps, stage, 'segments'), message))
    assert.equal(calls.puts + calls.tableWrites, 0)
  }
  await refused('prod', /^Error: The table belongs to the stage dev, and this is prod\.$/)
  await set('schema', 2)
  await refused(
    'dev',
    /^Error: The table is of schema version 2, and this code reads and writes version 1\.$/,
  )
  await set('schema', 'one')
  await refused('dev', /^Error: The table has a deployment item that cannot be read\.$/)
})

test('a bucket of another deployment is refused, whether it was taken or not', async () => {
  const mine = newPorts()
  const theirs = newPorts()
  await takeDeployment(depsOn(mine), 'dev', 'segments')
  await takeDeployment(depsOn(theirs), 'dev', 'others')
  const mixed = depsOn({ table: mine.table, objects: theirs.objects })
  const refusal = /^Error: The bucket others is not of the deployment that the table belongs to\.$/
  await assert.rejects(takeDeployment(mixed, 'dev', 'others'), refusal)
  await assert.rejects(expectDeployment(mixed, 'others'), refusal)
  const fresh = depsOn({ table: createMemoryTable(), objects: theirs.objects })
  await assert.rejects(takeDeployment(fresh, 'dev', 'others'), refusal)
  const unmarked = depsOn({ table: mine.table, objects: createMemoryObjectStore() })
  await assert.rejects(takeDeployment(unmarked, 'dev', 'others'), refusal)
})

test('a bucket that was copied with its mark is the same', async () => {
  const ports = newPorts()
  await takeDeployment(depsOn(ports), 'dev', 'segments')
  const mark = await ports.objects.getRange(deploymentObject, 0, 1000)
  assert.ok(mark)
  const copy = createMemoryObjectStore()
  await copy.putIfAbsent(deploymentObject, [mark])
  await takeDeployment(depsOn({ table: ports.table, objects: copy }), 'dev', 'copy')
})

test('a storage that does not answer is asked again', async () => {
  const ports = newPorts()
  let failures = 2
  const table: Table = {
    ...ports.table,
    get: (key) => (failures-- > 0 ? Promise.reject(new StorageError('none', 'away')) : ports.table.get(key)),
  }
  await takeDeployment(depsOn({ ...ports, table }), 'dev', 'segments')
})

test("a command changes nothing, and refuses a table that is nobody's", async () => {
  const counted = countCalls(newPorts())
  const calls = await counted.during(() =>
    assert.rejects(
      expectDeployment(depsOn(counted), 'segments'),
      /^Error: The table belongs to no deployment/,
    ),
  )
  assert.equal(calls.puts + calls.tableWrites, 0)
})
