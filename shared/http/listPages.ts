// Confluent Cloud's lists: what a request says of the page that it wants, and the links of the answer to the first page
// and the next. How many entries there are in all is not said: counting them would read them.

import { z } from '@hono/zod-openapi'
import type { ListPage, PageWanted } from '../ports/queryPage.ts'
import { originOf } from './operatorResources.ts'
import { decimal } from './params.ts'

/** Confluent's. */
const pageSize = { default: 10, max: 100 }
const tokenLengthMax = 255

export const pageQuery = z.object({
  page_size: decimal('At most so many entries.', pageSize.default)
    .refine((size) => size >= 1 && size <= pageSize.max, `expected 1 to ${pageSize.max}`)
    .default(pageSize.default)
    .openapi({ minimum: 1, maximum: pageSize.max, default: pageSize.default }),
  page_token: z.string().max(tokenLengthMax).optional().openapi({
    description: 'Of the link `metadata.next` of the page before: go on behind it.',
  }),
})

export const pageWanted = ({ page_size, page_token }: z.infer<typeof pageQuery>): PageWanted => ({
  size: page_size,
  token: page_token,
})

const listMetadataSchema = z
  .object({
    first: z.string(),
    next: z.string().optional().openapi({ description: 'Absent: nothing follows.' }),
  })
  .openapi('ListMeta')

export function cloudListSchema<S extends z.ZodType>(kind: string, apiVersion: string, item: S) {
  return z.object({
    api_version: z.literal(apiVersion),
    kind: z.literal(kind),
    metadata: listMetadataSchema,
    data: z.array(item),
  })
}

interface ListKind<T, R> {
  readonly kind: string
  readonly apiVersion: string
  readonly resource: (entry: T, origin: string) => R
}

/** `url`: the request's own. */
export function cloudList<T, R>(url: string, { entries, next }: ListPage<T>, list: ListKind<T, R>) {
  const origin = originOf(url)
  const link = (token: string | undefined): string => {
    const { pathname, searchParams } = new URL(url)
    searchParams.delete('page_token')
    if (token !== undefined) searchParams.set('page_token', token)
    return `${origin}${pathname}${searchParams.size === 0 ? '' : `?${searchParams}`}`
  }
  return {
    api_version: list.apiVersion,
    kind: list.kind,
    metadata: { first: link(undefined), ...(next === undefined ? {} : { next: link(next) }) },
    data: entries.map((entry) => list.resource(entry, origin)),
  }
}
