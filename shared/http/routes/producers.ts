// POST /clusters/{id}/producers: Kafka's InitProducerId over HTTP, for clients that number their own appends.
// Takes no body; nothing is stored about a producer until it appends, so there is nothing to read or delete.

import { createRoute, z } from '@hono/zod-openapi'
import { invariant } from '../../base/errors.ts'
import { findCluster } from '../clusters.ts'
import type { App } from '../context.ts'
import { refusals } from '../errors.ts'
import { clusterParams } from '../params.ts'

const initProducer = createRoute({
  method: 'post',
  path: '/clusters/{cluster_id}/producers',
  operationId: 'initProducerId',
  summary: 'Get a producer id for idempotent appends',
  tags: ['Records (v3)'],
  request: { params: clusterParams },
  responses: {
    201: {
      description: 'A producer id that was never given out before, with its first epoch.',
      content: {
        'application/json': {
          schema: z
            .object({ producer_id: z.int(), producer_epoch: z.int() })
            .openapi('ProducerData', { example: { producer_id: 4711, producer_epoch: 0 } }),
        },
      },
    },
    ...refusals,
  },
})

export function registerProducerRoutes(app: App): void {
  app.openapi(initProducer, async (c) => {
    const { id, epoch } = await findCluster(c, c.req.valid('param').cluster_id).initProducer()
    const producerId = Number(id)
    invariant(Number.isSafeInteger(producerId), 'producer ids are given out from 0 upwards')
    return c.json({ producer_id: producerId, producer_epoch: epoch }, 201)
  })
}
