import { createProducer } from '@millrace/client'

const url = process.env.MILLRACE_URL ?? 'http://127.0.0.1:8082'
const producer = createProducer({ url, clusterId: 'local' })

const items = ['tea', 'cup', 'pot']
const receipts = await Promise.all(
  items.map((item) => producer.send({ topic: 'orders', key: 'alice', value: JSON.stringify({ item }) })),
)
for (const { partition, offset } of receipts) console.log(`stored in partition ${partition} at ${offset}`)
await producer.close()
