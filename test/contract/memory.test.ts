import { createMemoryObjectStore } from '../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../shared/storage/memory/table.ts'
import { describeObjectStore } from './objectStore.contract.ts'
import { describeTable } from './table.contract.ts'

const close = async (): Promise<void> => {}

describeTable('the memory table', { create: async () => ({ port: createMemoryTable(), close }) })
describeObjectStore('the memory object store', {
  create: async () => ({ port: createMemoryObjectStore(), close }),
})
