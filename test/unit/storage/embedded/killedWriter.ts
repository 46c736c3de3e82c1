// The child process of the kill test: writes items and objects from several writers at once and prints the
// number of each as soon as it is acknowledged, until it is killed. argv: data folder, first number.
import { openEmbeddedStorage } from '../../../../shared/storage/embedded/open.ts'

const { table, objects } = await openEmbeddedStorage(String(process.argv[2]))
let next = Number(process.argv[3])

const acknowledge = (what: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(`${what}\n`, (error) => (error ? reject(error) : resolve()))
  })

const writeOn = async (): Promise<never> => {
  for (;;) {
    const number = next
    next += 1
    const name = String(number).padStart(8, '0')
    const bytes = Buffer.alloc(5000, name)
    await objects.putIfAbsent(`kill/${number % 7}/${name}`, [bytes.subarray(0, 8), bytes.subarray(8)])
    await acknowledge(`object ${number}`)
    const count = { kind: 'add', attribute: 'count', value: 1 } as const
    await table.write({ kind: 'update', key: { pk: 'count', sk: 'all' }, actions: [count] })
    // Nothing names the storage itself any more; its lock must hold all the same.
    globalThis.gc?.()
    await table.write({ kind: 'put', key: { pk: 'item', sk: name }, attributes: { number, bytes } })
    await acknowledge(`item ${number}`)
  }
}

await Promise.all(Array.from({ length: 8 }, writeOn))
